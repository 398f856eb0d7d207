//! Managed policies: what is in force for whom, and what no race can leave behind.

use portcullis_catalog::{
    EntityName, EntityResource, Failure, PolicyResource, Resource as _, RoleResource, Snapshot,
    WholeAccount,
    effects::{HolderFilter, PolicyFilter, PolicyHolder, PolicyUse},
};
use portcullis_identity::{Caller, IdentityError, ManagedPolicy, NewPolicy, PolicyArn, Tags};
use portcullis_model::iam::operation::{
    AddUserToGroup, AttachGroupPolicy, AttachRolePolicy, AttachUserPolicy, CreateGroup,
    CreatePolicy, CreatePolicyVersion, DeletePolicy, DeletePolicyVersion,
    DeleteUserPermissionsBoundary, DetachGroupPolicy, DetachUserPolicy, GetPolicy,
    ListEntitiesForPolicy, ListPolicies, ListUsers, PutUserPermissionsBoundary,
    SetDefaultPolicyVersion,
};

use crate::node::{ALLOW, Node, account, check, code, name, now, settle};

const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";

type Outcome = Result<(), Failure<IdentityError>>;

fn arn(policy: &str) -> PolicyArn {
    let arn = if policy.starts_with("arn:") {
        policy.to_owned()
    } else {
        format!("arn:aws:iam::123456789012:policy/{policy}")
    };
    arn.parse().unwrap()
}

fn resource(policy: &str) -> PolicyResource {
    PolicyResource::new(arn(policy), account())
}

fn deny() -> String {
    ALLOW.replace("Allow", "Deny")
}

impl Node {
    async fn create_policy(
        &self,
        policy: &str,
        document: &str,
    ) -> Result<ManagedPolicy, Failure<IdentityError>> {
        let new = NewPolicy {
            path: arn(policy).path().parse().unwrap(),
            name: arn(policy).name().parse().unwrap(),
            document: document.into(),
            description: None,
            tags: Tags::default(),
        };
        let permit = self.permit::<CreatePolicy, _>(resource(policy));
        self.catalog.create_policy(permit, &new, now()).await
    }

    async fn delete_policy(&self, policy: &str) -> Outcome {
        self.catalog.delete_policy(self.permit::<DeletePolicy, _>(resource(policy))).await
    }

    async fn add_version(&self, policy: &str, document: &str, default: bool) -> Outcome {
        let permit = self.permit::<CreatePolicyVersion, _>(resource(policy));
        let made = self.catalog.create_policy_version(permit, document, default, now());
        made.await.map(drop)
    }

    async fn put_in_force(&self, policy: &str, id: &str) -> Outcome {
        let permit = self.permit::<SetDefaultPolicyVersion, _>(resource(policy));
        self.catalog.set_default_policy_version(permit, id.parse().unwrap()).await
    }

    async fn delete_version(&self, policy: &str, id: &str) -> Outcome {
        let permit = self.permit::<DeletePolicyVersion, _>(resource(policy));
        self.catalog.delete_policy_version(permit, id.parse().unwrap()).await
    }

    async fn attach(&self, user: &str, policy: &str) -> Outcome {
        let permit = self.permit::<AttachUserPolicy, _>(self.user(user));
        self.catalog.attach_policy(permit, &arn(policy)).await
    }

    async fn detach(&self, user: &str, policy: &str) -> Outcome {
        let permit = self.permit::<DetachUserPolicy, _>(self.user(user));
        self.catalog.detach_policy(permit, &arn(policy)).await
    }

    async fn bound(&self, user: &str, policy: &str) -> Outcome {
        let permit = self.permit::<PutUserPermissionsBoundary, _>(self.user(user));
        self.catalog.put_permissions_boundary(permit, &arn(policy)).await
    }

    async fn unbound(&self, user: &str) -> Outcome {
        let permit = self.permit::<DeleteUserPermissionsBoundary, _>(self.user(user));
        self.catalog.delete_permissions_boundary(permit).await
    }

    fn usage(&self, policy: &str) -> PolicyUse {
        let permit = self.permit::<GetPolicy, _>(resource(policy));
        self.catalog.load().get_managed_policy(permit).unwrap().usage
    }

    fn holders(&self, policy: &str) -> Vec<String> {
        let permit = self.permit::<ListEntitiesForPolicy, _>(resource(policy));
        let all = HolderFilter { attached: true, bounded: true, kind: |_| true, path_prefix: "/" };
        let page = self.catalog.load().list_entities_for_policy(permit, all, "", 100).unwrap();
        page.entries.iter().map(PolicyHolder::place).collect()
    }

    /// Whether the user may list users, as it calls now.
    fn lists_users(&self, user: &str) -> bool {
        let view = self.catalog.load().user(account(), &name(user)).unwrap().clone();
        let caller = Caller::user(view.identity.clone(), view.stored.id).unwrap();
        self.try_permit::<ListUsers, _>(&caller, WholeAccount(account())).is_ok()
    }
}

fn is_there<N: EntityName>(snapshot: &Snapshot, resource: &EntityResource<N>) -> bool {
    resource.name().find(snapshot, resource.owner()).is_some()
}

#[tokio::test]
async fn the_version_in_force_counts_wherever_the_policy_is_attached() {
    let (node, _) = Node::first().await;
    node.create_user("alice").await.unwrap();
    node.create_policy("team/p", ALLOW).await.unwrap();
    assert!(!node.lists_users("alice"));
    check(node.attach("alice", "team/p").await, "ok");
    check(node.attach("alice", "team/p").await, "ok");
    assert!(node.lists_users("alice"));
    check(node.add_version("team/p", &deny(), false).await, "ok");
    assert!(node.lists_users("alice"), "not in force yet");
    check(node.put_in_force("team/p", "v2").await, "ok");
    assert!(!node.lists_users("alice"));
    check(node.delete_version("team/p", "v2").await, "DeleteConflict");
    check(node.put_in_force("team/p", "v1").await, "ok");
    check(node.delete_version("team/p", "v2").await, "ok");
    check(node.put_in_force("team/p", "v2").await, "NoSuchEntity");
    assert!(node.lists_users("alice"));
    check(node.add_version("team/p", &deny(), true).await, "ok");
    assert!(!node.lists_users("alice"), "in force with its acknowledgement");
    check(node.detach("alice", "team/p").await, "ok");
    check(node.detach("alice", "team/p").await, "NoSuchEntity");
    check(node.attach("alice", "arn:aws:iam::aws:policy/IAMReadOnlyAccess").await, "ok");
    assert!(node.lists_users("alice"));
}

#[tokio::test]
async fn a_policy_of_a_group_counts_for_its_members() {
    let (node, _) = Node::first().await;
    node.create_user("alice").await.unwrap();
    let group = |node: &Node| {
        EntityResource::new(&node.catalog.load(), account(), "staff".parse().unwrap())
    };
    let permit = node.permit::<CreateGroup, _>(group(&node));
    node.catalog.create_group(permit, now()).await.unwrap();
    let permit = node.permit::<AddUserToGroup, _>(group(&node));
    node.catalog.add_user_to_group(permit, &node.user("alice")).await.unwrap();
    let permit = node.permit::<AttachGroupPolicy, _>(group(&node));
    node.catalog.attach_policy(permit, &arn(READ_ONLY)).await.unwrap();
    assert!(node.lists_users("alice"));
    assert_eq!(node.holders(READ_ONLY), ["group/staff"]);
    let permit = node.permit::<DetachGroupPolicy, _>(group(&node));
    node.catalog.detach_policy(permit, &arn(READ_ONLY)).await.unwrap();
    assert!(!node.lists_users("alice"));
}

#[tokio::test]
async fn a_boundary_caps_and_grants_nothing() {
    let (node, _) = Node::first().await;
    node.create_user("alice").await.unwrap();
    check(node.bound("alice", "none").await, "NoSuchEntity");
    check(node.bound("alice", READ_ONLY).await, "ok");
    assert!(!node.lists_users("alice"), "a boundary grants nothing");
    node.put_policy("alice", "own").await.unwrap();
    assert!(node.lists_users("alice"));
    check(node.bound("alice", "arn:aws:iam::aws:policy/AWSLambda_FullAccess").await, "ok");
    assert!(!node.lists_users("alice"), "what the boundary does not allow");
    assert_eq!(node.usage(READ_ONLY), PolicyUse::default());
    check(node.unbound("alice").await, "ok");
    check(node.unbound("alice").await, "NoSuchEntity");
    assert!(node.lists_users("alice"));
}

#[tokio::test]
async fn a_policy_goes_when_nobody_has_it() {
    let (node, store) = Node::first().await;
    node.create_user("alice").await.unwrap();
    node.create_policy("p", ALLOW).await.unwrap();
    check(node.create_policy("other/P", ALLOW).await.map(drop), "EntityAlreadyExists");
    node.attach("alice", "p").await.unwrap();
    node.bound("alice", "p").await.unwrap();
    for node in [&node, &Node::on(&store).await] {
        assert_eq!(node.usage("p"), PolicyUse { attached: 1, bounded: 1 });
        assert_eq!(node.holders("p"), ["user/alice"]);
    }
    check(node.delete_policy("p").await, "DeleteConflict");
    check(node.delete_user("alice").await, "DeleteConflict");
    node.detach("alice", "p").await.unwrap();
    check(node.delete_policy("p").await, "DeleteConflict");
    node.unbound("alice").await.unwrap();
    check(node.add_version("p", ALLOW, true).await, "ok");
    check(node.delete_policy("p").await, "DeleteConflict");
    check(node.delete_version("p", "v1").await, "ok");
    check(node.delete_policy("p").await, "ok");
    check(node.attach("alice", "p").await, "NoSuchEntity");
    node.create_policy("p", ALLOW).await.unwrap();
    check(node.put_in_force("p", "v2").await, "NoSuchEntity");
    for version in 2..=5 {
        check(node.add_version("p", ALLOW, false).await, "ok");
        assert_eq!(node.holders("p"), Vec::<String>::new(), "v{version}");
    }
    check(node.add_version("p", ALLOW, false).await, "LimitExceeded");
}

#[tokio::test]
async fn a_user_goes_with_its_boundary_but_not_with_a_policy() {
    let (node, _) = Node::first().await;
    node.create_user("alice").await.unwrap();
    node.create_policy("p", ALLOW).await.unwrap();
    node.bound("alice", "p").await.unwrap();
    check(node.delete_user("alice").await, "ok");
    assert_eq!(node.usage("p"), PolicyUse::default());
    check(node.delete_policy("p").await, "ok");
}

#[tokio::test]
async fn nobody_changes_what_is_awss() {
    let (node, _) = Node::first().await;
    check(node.delete_policy(READ_ONLY).await, "AccessDenied");
    check(node.add_version(READ_ONLY, ALLOW, true).await, "AccessDenied");
    check(node.put_in_force(READ_ONLY, "v1").await, "AccessDenied");
    check(node.delete_version(READ_ONLY, "v1").await, "AccessDenied");
    assert_eq!(resource(READ_ONLY).account(), account().as_str(), "every account's own");
}

#[tokio::test]
async fn the_policies_of_another_account_are_not_there() {
    let (node, _) = Node::first().await;
    node.create_user("alice").await.unwrap();
    let theirs = "arn:aws:iam::223456789012:policy/p";
    let permit = node.try_permit::<GetPolicy, _>(&node.root(account()), resource(theirs));
    assert!(permit.is_err());
    check(node.attach("alice", theirs).await, "NoSuchEntity");
    check(node.bound("alice", theirs).await, "NoSuchEntity");
}

#[tokio::test]
async fn a_list_of_policies_has_its_own_first_and_goes_on_after_its_last() {
    let (node, _) = Node::first().await;
    node.create_user("alice").await.unwrap();
    for policy in ["team/b", "A", "c"] {
        node.create_policy(policy, ALLOW).await.unwrap();
    }
    node.attach("alice", "c").await.unwrap();
    node.attach("alice", READ_ONLY).await.unwrap();
    let list = |own, aws, used: fn(PolicyUse) -> bool, path_prefix: &str, size| {
        let (mut names, mut after) = (Vec::new(), String::new());
        loop {
            let permit = node.permit::<ListPolicies, _>(WholeAccount(account()));
            let filter = PolicyFilter { own, aws, used, path_prefix };
            let page = node.catalog.load().list_policies(permit, filter, &after, size);
            assert!(page.entries.len() <= size);
            names.extend(page.entries.iter().map(|one| one.view.stored.name.to_string()));
            match page.entries.last().filter(|_| page.more) {
                Some(last) => after = last.view.arn.place(),
                None => return names,
            }
        }
    };
    assert_eq!(list(true, false, |_| true, "/", 2), ["A", "b", "c"]);
    assert_eq!(list(true, false, |_| true, "/team/", 9), ["b"]);
    assert_eq!(list(true, true, |usage| usage.attached > 0, "/", 1), ["c", "ReadOnlyAccess"]);
    assert_eq!(list(true, true, |usage| usage.bounded > 0, "/", 9), Vec::<String>::new());
    let all = list(true, true, |_| true, "/", 7);
    assert_eq!(all.len(), 3 + list(false, true, |_| true, "/", 100).len());
    assert_eq!(all[..3], ["A", "b", "c"]);
}

/// Of a policy's attachment and its deletion at once, one happens.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_has_a_policy_that_went_at_the_same_time() {
    let nodes = Node::pair().await;
    nodes[0].create_user("alice").await.unwrap();
    nodes[0].create_role("deploy", "123456789012").await.unwrap();
    for round in 0..20 {
        let policy = format!("p{round}");
        nodes[0].create_policy(&policy, ALLOW).await.unwrap();
        settle(&nodes[1], |snapshot| {
            snapshot.managed_policy(&arn(&policy)).is_some()
                && is_there(snapshot, &nodes[0].role("deploy"))
        })
        .await;
        let role: RoleResource = nodes[0].role("deploy");
        let permit = nodes[0].permit::<AttachRolePolicy, _>(role);
        let given = arn(&policy);
        let attached = async {
            match round % 2 {
                0 => nodes[0].catalog.attach_policy(permit, &given).await,
                _ => nodes[0].bound("alice", &policy).await,
            }
        };
        let (attached, gone) = tokio::join!(attached, nodes[1].delete_policy(&policy));
        match (code(attached), code(gone)) {
            ("ok", "DeleteConflict") => assert_eq!(nodes[0].holders(&policy).len(), 1),
            ("NoSuchEntity", "ok") => {
                let there = nodes[0].catalog.load().managed_policy(&arn(&policy)).is_some();
                assert!(!there);
            }
            other => panic!("{other:?}"),
        }
    }
}
