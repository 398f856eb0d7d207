//! Groups: what they allow and deny their members, and what no race can leave behind.

use std::sync::Arc;

use portcullis_catalog::{Failure, GroupResource, GroupView, WholeAccount};
use portcullis_identity::{Caller, IdentityError};
use portcullis_model::iam::operation::{
    AddUserToGroup, CreateGroup, DeleteGroup, GetGroup, ListGroupsForUser, ListUsers,
    PutGroupPolicy, RemoveUserFromGroup, UpdateGroup,
};

use crate::node::{ALLOW, Node, RACERS, account, check, code, name, now, race, settle};

impl Node {
    fn group(&self, group: &str) -> GroupResource {
        GroupResource::new(&self.catalog.load(), account(), group.parse().unwrap())
    }

    fn group_view(&self, group: &str) -> Option<Arc<GroupView>> {
        self.catalog.load().group(account(), &group.parse().unwrap()).cloned()
    }

    async fn create_group(&self, group: &str) -> Result<(), Failure<IdentityError>> {
        let permit = self.permit::<CreateGroup, _>(self.group(group));
        self.catalog.create_group(permit, now()).await.map(drop)
    }

    async fn delete_group(&self, group: &str) -> Result<(), Failure<IdentityError>> {
        self.catalog.delete_group(self.permit::<DeleteGroup, _>(self.group(group))).await
    }

    async fn rename_group(&self, old: &str, new: &str) -> Result<(), Failure<IdentityError>> {
        let permit = self.permit::<UpdateGroup, _>(self.group(old));
        self.catalog.update_group(permit, None, Some(new.parse().unwrap())).await
    }

    async fn join(&self, user: &str, group: &str) -> Result<(), Failure<IdentityError>> {
        let permit = self.permit::<AddUserToGroup, _>(self.group(group));
        self.catalog.add_user_to_group(permit, &self.user(user)).await
    }

    async fn leave(&self, user: &str, group: &str) -> Result<(), Failure<IdentityError>> {
        let permit = self.permit::<RemoveUserFromGroup, _>(self.group(group));
        self.catalog.remove_user_from_group(permit, &self.user(user)).await
    }

    async fn put_group_policy(&self, group: &str, document: &str) {
        let permit = self.permit::<PutGroupPolicy, _>(self.group(group));
        self.catalog.put_inline_policy(permit, &"p".parse().unwrap(), document).await.unwrap();
    }

    fn members(&self, group: &str) -> Vec<String> {
        let permit = self.permit::<GetGroup, _>(self.group(group));
        let (_, page) = self.catalog.load().get_group(permit, "", 1_000).unwrap();
        page.entries.iter().map(|user| user.stored.name.to_string()).collect()
    }

    fn groups_of(&self, user: &str) -> Vec<String> {
        let permit = self.permit::<ListGroupsForUser, _>(self.user(user));
        let page = self.catalog.load().list_groups_for_user(permit, "", 1_000).unwrap();
        page.entries.iter().map(|group| group.stored.name.to_string()).collect()
    }

    /// Whether the user may list users: what [`ALLOW`] allows.
    fn may(&self, user: &str) -> bool {
        let view = self.catalog.load().user(account(), &name(user)).unwrap().clone();
        let caller = Caller::user(view.identity.clone(), view.stored.id).unwrap();
        self.try_permit::<ListUsers, _>(&caller, WholeAccount(account())).is_ok()
    }
}

/// Waits until both nodes see the user and the group.
async fn both_see(nodes: &[Node; 2], user: &str, group: &str) {
    let group = group.parse().unwrap();
    for node in nodes {
        let seen = |snapshot: &portcullis_catalog::Snapshot| {
            snapshot.user(account(), &name(user)).is_some()
                && snapshot.group(account(), &group).is_some()
        };
        settle(node, seen).await;
    }
}

#[tokio::test]
async fn a_group_allows_and_denies_its_members_and_nobody_else() {
    let (node, _) = Node::first().await;
    for user in ["alice", "bob"] {
        node.create_user(user).await.unwrap();
    }
    node.create_group("Staff").await.unwrap();
    node.put_group_policy("Staff", ALLOW).await;
    assert!(!node.may("alice") && !node.may("bob"));
    node.join("alice", "Staff").await.unwrap();
    assert!(node.may("alice") && !node.may("bob"));
    node.rename_group("Staff", "Team").await.unwrap();
    assert!(node.may("alice"), "a renamed group is the same group");
    node.put_policy("bob", "own").await.unwrap();
    assert!(node.may("bob"));
    node.create_group("banned").await.unwrap();
    node.put_group_policy("banned", &ALLOW.replace("Allow", "Deny")).await;
    for user in ["alice", "bob"] {
        node.join(user, "banned").await.unwrap();
        assert!(!node.may(user), "a deny of one group beats every allow");
        node.leave(user, "banned").await.unwrap();
        assert!(node.may(user));
    }
    node.leave("alice", "Team").await.unwrap();
    assert!(!node.may("alice"), "what was left is left at once");
}

#[tokio::test]
async fn a_group_goes_when_nobody_is_in_it_and_its_name_starts_anew() {
    let (node, _) = Node::first().await;
    node.create_user("alice").await.unwrap();
    check(node.join("alice", "staff").await, "NoSuchEntity");
    node.create_group("staff").await.unwrap();
    check(node.create_group("STAFF").await, "EntityAlreadyExists");
    check(node.join("nobody", "staff").await, "NoSuchEntity");
    check(node.join("alice", "STAFF").await, "NoSuchEntity");
    node.join("alice", "staff").await.unwrap();
    check(node.join("alice", "staff").await, "ok");
    check(node.delete_group("staff").await, "DeleteConflict");
    check(node.delete_user("alice").await, "DeleteConflict");
    node.leave("alice", "staff").await.unwrap();
    check(node.leave("alice", "staff").await, "NoSuchEntity");
    check(node.delete_group("staff").await, "ok");
    assert!(node.group_view("staff").is_none());
    node.create_group("staff").await.unwrap();
    assert_eq!(node.members("staff"), Vec::<String>::new());
    check(node.delete_user("alice").await, "ok");
}

#[tokio::test]
async fn a_renamed_group_keeps_its_members_under_its_new_name() {
    let (node, store) = Node::first().await;
    for user in ["Bob", "alice"] {
        node.create_user(user).await.unwrap();
        for group in ["staff", "admins"] {
            drop(node.create_group(group).await);
            node.join(user, group).await.unwrap();
        }
    }
    check(node.rename_group("staff", "Admins").await, "EntityAlreadyExists");
    check(node.rename_group("staff", "STAFF").await, "ok");
    check(node.rename_group("STAFF", "team").await, "ok");
    check(node.rename_group("staff", "x").await, "NoSuchEntity");
    for node in [node, Node::on(&store).await] {
        assert_eq!(node.members("team"), ["alice", "Bob"]);
        assert_eq!(node.groups_of("alice"), ["admins", "team"]);
        assert!(node.group_view("staff").is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_joins_at_once_is_in_the_group() {
    let nodes = Node::pair().await;
    nodes[0].create_group("staff").await.unwrap();
    for index in 0..RACERS {
        nodes[0].create_user(&format!("user{index:02}")).await.unwrap();
    }
    both_see(&nodes, &format!("user{:02}", RACERS - 1), "staff").await;
    let join = |node: Node, index| async move {
        code(node.join(&format!("user{index:02}"), "staff").await)
    };
    assert_eq!(race(&nodes, join).await, [("ok", RACERS)]);
    settle(&nodes[0], |_| nodes[0].members("staff").len() == RACERS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_in_a_group_that_went_at_the_same_time() {
    let nodes = Node::pair().await;
    nodes[0].create_user("alice").await.unwrap();
    for round in 0..20 {
        let group = format!("group{round}");
        nodes[0].create_group(&group).await.unwrap();
        both_see(&nodes, "alice", &group).await;
        let going = nodes[1].delete_group(&group);
        let (joined, gone) = tokio::join!(nodes[0].join("alice", &group), going);
        match (code(joined), code(gone)) {
            ("ok", "DeleteConflict") => {
                assert_eq!(nodes[0].groups_of("alice"), [group.as_str()]);
                nodes[0].leave("alice", &group).await.unwrap();
            }
            ("NoSuchEntity", "ok") => assert!(nodes[0].groups_of("alice").is_empty()),
            other => panic!("{other:?}"),
        }
    }
}
