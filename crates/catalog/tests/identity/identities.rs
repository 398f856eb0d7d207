//! Users, roles, access keys, sessions and starts: what is made once, what excludes what, what a
//! restart leaves alone.

use std::sync::Arc;

use portcullis_catalog::{
    Failure, Installation, Resource as _, UserView, WholeAccount, effects::RootKey,
    effects::StartRefusal,
};
use portcullis_identity::{AccessKey, AccountId, IdentityError, PolicyName};
use portcullis_model::{
    iam::operation::{
        CreateAccountAlias, DeleteAccessKey, DeleteRolePolicy, DeleteUser, DeleteUserPolicy,
        GetRole, GetUser, GetUserPolicy, ListRoles, ListUserPolicies, ListUsers, PutRolePolicy,
        UpdateUser,
    },
    portcullis::operation::{CreateRootAccessKey, CreateServiceAccessKey},
};
use portcullis_store::{Store, suite::MemoryStore};

use crate::node::{
    ALLOW, Node, RACERS, account, check, code, key, name, now, other_account, race, root_key,
    settle,
};

#[tokio::test]
async fn a_user_is_made_once_and_goes_when_nothing_hangs_on_it() {
    let (node, _) = Node::first().await;
    let policy: PolicyName = "p".parse().unwrap();
    check(node.delete_user("alice").await, "NoSuchEntity");
    check(node.create_user("alice").await, "ok");
    check(node.create_user("ALICE").await, "EntityAlreadyExists");
    check(node.put_policy("ALICE", "p").await, "NoSuchEntity");
    check(node.put_policy("alice", "p").await, "ok");
    check(node.delete_user("alice").await, "DeleteConflict");
    let shown = node.permit::<GetUserPolicy, _>(node.user("alice"));
    assert_eq!(node.catalog.load().get_inline_policy(shown, &policy), Ok(ALLOW));
    let permit = node.permit::<DeleteUserPolicy, _>(node.user("alice"));
    check(node.catalog.delete_inline_policy(permit, &policy).await, "ok");
    let key = node.create_key(node.holder("alice")).await.unwrap();
    check(node.delete_user("alice").await, "DeleteConflict");
    check(node.delete_key(node.holder("alice"), &key).await, "ok");
    check(node.delete_user("alice").await, "ok");
    check(node.create_user("Alice").await, "ok");
    let permit = node.permit::<GetUser, _>(node.holder("alice"));
    check(node.catalog.load().get_user(permit), "NoSuchEntity");
}

#[tokio::test]
async fn a_permit_is_for_the_user_that_was_decided_about() {
    let (node, _) = Node::first().await;
    node.create_user_under("/a/", "alice").await.unwrap();
    let permit = node.permit::<DeleteUser, _>(node.user("alice"));
    node.delete_user("alice").await.unwrap();
    node.create_user_under("/b/", "alice").await.unwrap();
    check(node.catalog.delete_user(permit).await, "NoSuchEntity");
    assert_eq!(node.user("alice").arn(), "arn:aws:iam::123456789012:user/b/alice");
}

#[tokio::test]
async fn a_list_is_paged_by_folded_name_and_filtered_by_path() {
    let (node, _) = Node::first().await;
    for (path, user) in [("/", "Bob"), ("/team/", "alice"), ("/team/x/", "Carol"), ("/", "dave")] {
        node.create_user_under(path, user).await.unwrap();
    }
    let list = |prefix: &str, after: &str, limit| {
        let permit = node.permit::<ListUsers, _>(WholeAccount(account()));
        let page = node.catalog.load().list_entities(permit, prefix, after, limit);
        let names: Vec<_> = page.entries.iter().map(|user| user.stored.name.to_string()).collect();
        (names.join(" "), page.more)
    };
    assert_eq!(list("/", "", 3), ("alice Bob Carol".to_owned(), true));
    assert_eq!(list("/", "bob", 3), ("Carol dave".to_owned(), false));
    assert_eq!(list("/", "bobby", 1), ("Carol".to_owned(), true));
    assert_eq!(list("/team/", "", 9), ("alice Carol".to_owned(), false));
    assert_eq!(list("/tea", "alice", 9), ("Carol".to_owned(), false));
    let permit = node.permit::<ListRoles, _>(WholeAccount(account()));
    assert!(node.catalog.load().list_entities(permit, "/", "", 9).entries.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_put_at_once_are_all_there() {
    let nodes = Node::pair().await;
    nodes[0].create_user("alice").await.unwrap();
    settle(&nodes[1], |snapshot| snapshot.user(account(), &name("alice")).is_some()).await;
    let put = |node: Node, index| async move {
        code(node.put_policy("alice", &format!("p{index:02}")).await)
    };
    assert_eq!(race(&nodes, put).await, [("ok", RACERS)]);
    let all = |user: &UserView| user.stored.policies.iter().count() == RACERS;
    settle(&nodes[0], |s| s.user(account(), &name("alice")).is_some_and(|user| all(user))).await;
    let permit = nodes[0].permit::<ListUserPolicies, _>(nodes[0].user("alice"));
    let page = nodes[0].catalog.load().list_inline_policies(permit, "p09", 100).unwrap();
    let names: Vec<_> = page.entries.iter().map(PolicyName::as_str).collect();
    assert_eq!((names, page.more), (vec!["p10", "p11"], false));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_equal_names_made_at_once_one_wins() {
    let nodes = Node::pair().await;
    let user = |node: Node, index| async move {
        code(node.create_user(if index % 3 == 0 { "ALICE" } else { "alice" }).await)
    };
    let one = [("EntityAlreadyExists", RACERS - 1), ("ok", 1)];
    assert_eq!(race(&nodes, user).await, one);
    let role = |node: Node, index| async move {
        code(node.create_role(if index % 3 == 0 { "ROLE" } else { "role" }, "123456789012").await)
    };
    assert_eq!(race(&nodes, role).await, one);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_race_exceeds_the_quota_of_keys() {
    let nodes = Node::pair().await;
    nodes[0].create_user("alice").await.unwrap();
    settle(&nodes[1], |snapshot| snapshot.user(account(), &name("alice")).is_some()).await;
    let user = |node: Node, _| async move { code(node.create_key(node.holder("alice")).await) };
    assert_eq!(race(&nodes, user).await, [("LimitExceeded", RACERS - 2), ("ok", 2)]);
    let root = |node: Node, _| async move { code(node.create_key(Node::root_holder()).await) };
    assert_eq!(race(&nodes, root).await, [("LimitExceeded", RACERS - 1), ("ok", 1)]);
    let new = |node: Node, _| async move { code(create_root_key(&node, other_account()).await) };
    assert_eq!(race(&nodes, new).await, [("ok", RACERS)]);
    let service = |node: Node, _| async move {
        let permit = node.permit::<CreateServiceAccessKey, _>(installation(&node));
        let service = "s3.amazonaws.com".parse().unwrap();
        code(node.catalog.create_service_access_key(permit, &service, now()).await)
    };
    assert_eq!(race(&nodes, service).await, [("ok", RACERS)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_outlives_a_user_that_goes_at_the_same_time() {
    let nodes = Node::pair().await;
    for round in 0..20 {
        let user = format!("user{round}");
        nodes[0].create_user(&user).await.unwrap();
        settle(&nodes[1], |snapshot| snapshot.user(account(), &name(&user)).is_some()).await;
        let (holder, gone) = (nodes[0].holder(&user), nodes[1].delete_user(&user));
        let (made, gone) = tokio::join!(nodes[0].create_key(holder), gone);
        match (code(made), code(gone)) {
            ("ok", "DeleteConflict") => assert_eq!(nodes[0].keys(nodes[0].holder(&user)), Ok(1)),
            ("NoSuchEntity", "ok") => {
                nodes[0].create_user(&user).await.unwrap();
                assert_eq!(nodes[0].keys(nodes[0].holder(&user)), Ok(0), "heirs none");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn only_its_owner_finds_a_key() {
    let (node, _) = Node::first().await;
    node.create_user("alice").await.unwrap();
    node.create_user("bob").await.unwrap();
    let key = node.create_key(node.holder("alice")).await.unwrap();
    check(node.delete_key(node.holder("bob"), &key).await, "NoSuchEntity");
    check(node.delete_key(Node::root_holder(), &key).await, "NoSuchEntity");
    check(node.delete_key(node.holder("nobody"), &key).await, "NoSuchEntity");
    assert_eq!(node.keys(node.holder("bob")), Ok(0));
    assert_eq!(node.keys(node.holder("nobody")).unwrap_err().code(), "NoSuchEntity");
    assert_eq!(node.keys(Node::root_holder()), Ok(1), "the operator's");
    check(node.delete_key(node.holder("alice"), &key).await, "ok");
    assert!(node.catalog.load().access_key(&key.id).is_none());
}

fn installation(node: &Node) -> Installation {
    Installation::new(&node.catalog.load()).unwrap()
}

async fn create_root_key(
    node: &Node,
    account: AccountId,
) -> Result<AccessKey, Failure<IdentityError>> {
    let permit = node.permit::<CreateRootAccessKey, _>(installation(node));
    node.catalog.create_root_access_key(permit, account, now()).await
}

#[tokio::test]
async fn an_account_begins_with_its_first_root_key() {
    let (node, _) = Node::first().await;
    assert!(node.catalog.load().account(other_account()).is_none());
    create_root_key(&node, other_account()).await.unwrap();
    let made = node.catalog.load().account(other_account()).unwrap().clone();
    create_root_key(&node, other_account()).await.unwrap();
    assert_eq!(node.catalog.load().account(other_account()).unwrap().shared(), made.shared());
}

#[tokio::test]
async fn only_the_operators_account_makes_keys_for_others() {
    let (node, _) = Node::first().await;
    create_root_key(&node, other_account()).await.unwrap();
    let stranger = node.root(other_account());
    let root = node.try_permit::<CreateRootAccessKey, _>(&stranger, installation(&node));
    let service = node.try_permit::<CreateServiceAccessKey, _>(&stranger, installation(&node));
    assert!(root.is_err() && service.is_err());
}

#[tokio::test]
async fn a_role_is_assumed_by_those_whom_it_trusts_root_included() {
    let (node, _) = Node::first().await;
    create_root_key(&node, other_account()).await.unwrap();
    let (root, stranger) = (node.root(account()), node.root(other_account()));
    node.create_role("ours", "123456789012").await.unwrap();
    node.create_role("theirs", "223456789012").await.unwrap();
    for (caller, role, want) in [
        (&root, "ours", true),
        (&root, "theirs", false),
        (&stranger, "ours", false),
        (&stranger, "theirs", true),
        (&root, "nobodys", false),
    ] {
        assert_eq!(node.assume(caller, role).is_ok(), want, "{} as {role}", caller.arn());
    }
    let session = node.session(&node.assume(&root, "ours").unwrap()).unwrap();
    assert_eq!(session.arn(), "arn:aws:sts::123456789012:assumed-role/ours/night-run");
}

#[tokio::test]
async fn a_session_ends_with_its_role() {
    let (node, _) = Node::first().await;
    node.create_role("ours", "123456789012").await.unwrap();
    let assumed = node.assume(&node.root(account()), "ours").unwrap();
    let permit = node.permit::<PutRolePolicy, _>(node.role("ours"));
    node.catalog.put_inline_policy(permit, &"p".parse().unwrap(), ALLOW).await.unwrap();
    assert!(node.session(&assumed).is_ok(), "a changed role is the same role");
    check(node.delete_role("ours").await, "DeleteConflict");
    let permit = node.permit::<DeleteRolePolicy, _>(node.role("ours"));
    node.catalog.delete_inline_policy(permit, &"p".parse().unwrap()).await.unwrap();
    check(node.delete_role("ours").await, "ok");
    assert!(node.session(&assumed).is_err());
    node.create_role("ours", "123456789012").await.unwrap();
    assert!(node.session(&assumed).is_err(), "a new role of the same name");
    let permit = node.permit::<GetRole, _>(node.role("OURS"));
    assert_eq!(node.catalog.load().get_role(permit).unwrap_err().code(), "NoSuchEntity");
}

fn works(node: &Node, key: &RootKey) -> bool {
    let snapshot = node.catalog.load();
    snapshot.access_key(&key.id).is_some_and(|view| view.stored.secret == key.secret)
}

#[tokio::test]
async fn a_start_makes_what_is_missing_and_no_more() {
    let (node, store) = Node::first().await;
    assert!(works(&node, &root_key()));
    let before = node.catalog.load().revision();
    let keys = node.catalog.load().session_keys().unwrap().clone();
    let again = Node::on(&store).await;
    again.start(&root_key()).await.unwrap();
    assert_eq!(again.catalog.load().revision(), before);
    assert_eq!(*again.catalog.load().session_keys().unwrap(), keys);
}

#[tokio::test]
async fn the_key_that_the_operator_gives_is_the_one_that_works() {
    let (node, _) = Node::first().await;
    let made = node.create_key(Node::root_holder()).await.unwrap();
    let other = key("AKIAOPERATOR00000002", "another-secret-of-the-operator");
    let changed = key("AKIAOPERATOR00000002", "a-third-secret-of-the-operator");
    for (given, dead) in [(&other, &root_key()), (&changed, &other), (&root_key(), &changed)] {
        node.start(given).await.unwrap();
        assert!(works(&node, given) && !works(&node, dead), "{given:?}");
        assert!(node.catalog.load().access_key(&made.id).is_some(), "root's own stays");
    }
}

#[tokio::test]
async fn a_restart_gives_the_operator_a_deleted_key_back() {
    let (node, _) = Node::first().await;
    let id = root_key().id;
    let permit = node.permit::<DeleteAccessKey, _>(Node::root_holder());
    node.catalog.delete_access_key(permit, &id).await.unwrap();
    assert!(!works(&node, &root_key()));
    node.start(&root_key()).await.unwrap();
    assert!(works(&node, &root_key()));
}

#[tokio::test]
async fn the_operator_cannot_take_anothers_key() {
    let (node, _) = Node::first().await;
    node.create_user("alice").await.unwrap();
    let theirs = node.create_key(node.holder("alice")).await.unwrap();
    let refused = |result| match result {
        Err(Failure::Rule(refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    let taken = key(theirs.id.as_str(), "another-secret-of-the-operator");
    assert_eq!(refused(node.start(&taken).await), StartRefusal::Taken(theirs.id.clone()));
    let temporary = key("ASIAOPERATOR00000001", "another-secret-of-the-operator");
    assert_eq!(refused(node.start(&temporary).await), StartRefusal::Temporary);
    assert!(works(&node, &root_key()), "a refused start changes nothing");
    let own = node.create_key(Node::root_holder()).await.unwrap();
    node.start(&RootKey { id: own.id.clone(), secret: own.secret.clone() }).await.unwrap();
    assert!(!works(&node, &root_key()), "root's own key may become the operator's");
}

#[tokio::test]
async fn an_operator_of_another_account_takes_the_installation_over() {
    let (node, _) = Node::first().await;
    let other = key("AKIAOPERATOR00000002", "another-secret-of-the-operator");
    node.catalog.start(other_account(), &other, now()).await.unwrap();
    assert!(works(&node, &other) && !works(&node, &root_key()));
    let former = node.root(account());
    assert!(node.try_permit::<CreateRootAccessKey, _>(&former, installation(&node)).is_err());
    let moved = key(other.id.as_str(), "a-third-secret-of-the-operator");
    node.start(&moved).await.unwrap();
    assert!(works(&node, &moved));
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_start_at_once_agree() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let nodes = [Node::on(&store).await, Node::on(&store).await];
    let start = |node: Node, _| async move {
        node.start(&root_key()).await.unwrap();
        if works(&node, &root_key()) { "works" } else { "does not" }
    };
    assert_eq!(race(&nodes, start).await, [("works", RACERS)]);
    let material = |node: &Node| node.catalog.load().session_keys().unwrap().clone();
    assert_eq!(material(&nodes[0]), material(&nodes[1]));
}

impl Node {
    async fn rename_user(&self, old: &str, new: &str) -> Result<(), Failure<IdentityError>> {
        let permit = self.permit::<UpdateUser, _>(self.user(old));
        self.catalog.update_user(permit, None, Some(name(new))).await
    }

    async fn give_alias(&self, account: AccountId, alias: &str) -> &'static str {
        let caller = self.root(account);
        let permit = self.try_permit::<CreateAccountAlias, _>(&caller, WholeAccount(account));
        let alias = alias.parse().unwrap();
        code(self.catalog.create_account_alias(permit.unwrap(), &alias).await)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_key_follows_a_user_that_is_renamed_at_the_same_time() {
    let nodes = Node::pair().await;
    for round in 0..20 {
        let (old, new) = (format!("user{round}"), format!("renamed{round}"));
        nodes[0].create_user(&old).await.unwrap();
        nodes[0].create_key(nodes[0].holder(&old)).await.unwrap();
        settle(&nodes[1], |snapshot| snapshot.user(account(), &name(&old)).is_some()).await;
        let (holder, renamed) = (nodes[1].holder(&old), nodes[0].rename_user(&old, &new));
        let (made, renamed) = tokio::join!(nodes[1].create_key(holder), renamed);
        let keys = match (code(made), code(renamed)) {
            ("ok", "ok") => 2,
            ("NoSuchEntity", "ok") => 1,
            other => panic!("{other:?}"),
        };
        settle(&nodes[0], |snapshot| snapshot.user(account(), &name(&new)).is_some()).await;
        assert_eq!(nodes[0].keys(nodes[0].holder(&new)), Ok(keys));
        nodes[0].create_user(&old).await.unwrap();
        assert_eq!(nodes[0].keys(nodes[0].holder(&old)), Ok(0));
    }
}

#[tokio::test]
async fn a_use_of_a_key_is_saved_once_and_read_again() {
    let (node, store) = Node::first().await;
    node.create_user("alice").await.unwrap();
    let key = node.create_key(node.holder("alice")).await.unwrap();
    let last_use = |node: &Node| node.catalog.load().access_key(&key.id).unwrap().uses.last();
    assert_eq!(last_use(&node), None);
    node.catalog.load().access_key(&key.id).unwrap().uses.note("lambda", "us-east-1", now());
    assert_eq!(last_use(&Node::on(&store).await), None);
    node.catalog.save_last_uses().await.unwrap();
    let revision = node.catalog.load().revision();
    node.catalog.load().access_key(&key.id).unwrap().uses.note("lambda", "us-east-1", now());
    node.catalog.save_last_uses().await.unwrap();
    assert_eq!(node.catalog.load().revision(), revision, "nothing is written without news");
    let read = last_use(&Node::on(&store).await).unwrap();
    assert_eq!((&*read.service, &*read.region), ("lambda", "us-east-1"));
    node.rename_user("alice", "bob").await.unwrap();
    assert_eq!(last_use(&node), Some(read), "it is the same key");
    node.delete_key(node.holder("bob"), &key).await.unwrap();
    let again = Node::on(&store).await;
    assert!(again.catalog.load().access_key(&key.id).is_none());
    again.catalog.save_last_uses().await.unwrap();
}

#[tokio::test]
async fn a_use_of_a_role_is_its_own_and_goes_with_it() {
    let (node, store) = Node::first().await;
    let last_use = |node: &Node| {
        let snapshot = node.catalog.snapshot();
        snapshot.role(account(), &"deploy".parse().unwrap()).unwrap().uses.last()
    };
    node.create_role("deploy", "*").await.unwrap();
    let first = node.catalog.snapshot();
    let uses = &first.role(account(), &"deploy".parse().unwrap()).unwrap().uses;
    uses.note("lambda", "us-east-1", now());
    assert_eq!(last_use(&Node::on(&store).await), None);
    node.catalog.save_last_uses().await.unwrap();
    assert_eq!(last_use(&Node::on(&store).await), last_use(&node));
    assert_eq!(last_use(&node), uses.last());
    node.delete_role("deploy").await.unwrap();
    node.create_role("deploy", "*").await.unwrap();
    assert_eq!(last_use(&node), None, "another role has the name");
    uses.note("iam", "us-east-1", now());
    node.catalog.save_last_uses().await.unwrap();
    assert_eq!(last_use(&Node::on(&store).await), None, "what is late is not the new role's");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_equal_aliases_given_at_once_one_wins_and_an_account_keeps_one() {
    let nodes = Node::pair().await;
    create_root_key(&nodes[0], other_account()).await.unwrap();
    settle(&nodes[1], |snapshot| snapshot.account(other_account()).is_some()).await;
    let accounts = [account(), other_account()];
    let give = |node: Node, index: usize| async move {
        node.give_alias(accounts[index % 2], "our-company").await
    };
    assert_eq!(race(&nodes, give).await, [("EntityAlreadyExists", RACERS - 1), ("ok", 1)]);
    let own = |node: Node, index: usize| async move {
        node.give_alias(account(), &format!("alias-{index}")).await
    };
    assert_eq!(race(&nodes, own).await, [("ok", RACERS)]);
    let left = |index| format!("alias-{index}").parse().unwrap();
    let snapshot = nodes[0].catalog.snapshot();
    let held = (0..RACERS).filter(|index| snapshot.account_alias(&left(*index)).is_some()).count();
    assert!(held <= 1, "{held}");
}
