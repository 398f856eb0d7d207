//! Laws of the tree and of new accounts.

use super::*;
use crate::samples::{account, now};

fn organization() -> Organization {
    let new = NewOrganization {
        id: OrganizationId::from_random([1; 10]),
        root: RootId::from_random([2; 4]),
        features: FeatureSet::All,
    };
    Organization::create(account(), false, new, now()).unwrap()
}

fn root() -> ContainerId {
    ContainerId::Root(organization().root)
}

fn id(number: u8) -> OrganizationalUnitId {
    OrganizationalUnitId::from_random(&organization().root, [number; 8])
}

fn unit(number: u8) -> ContainerId {
    ContainerId::Unit(id(number))
}

/// The root, in it units 1 and 2, in 1 unit 3.
fn tree() -> Organization {
    let rows = [(root(), "one", 1), (root(), "two", 2), (unit(1), "one", 3)];
    rows.into_iter().fold(organization(), |tree, (parent, name, number)| {
        tree.create_unit(&parent, name.parse().unwrap(), id(number)).unwrap()
    })
}

fn ids(number: u8) -> NewAccount {
    NewAccount {
        request: CreateAccountRequestId::from_random([number; 32]),
        account: AccountId::from_random([number; 8]),
        role: crate::RoleId::from_random([number; 17]),
    }
}

fn asking(email: &str) -> AccountRequest {
    AccountRequest {
        name: "Tests".parse().unwrap(),
        email: email.parse().unwrap(),
        role: "OrganizationAccountAccessRole".parse().unwrap(),
    }
}

#[track_caller]
fn check_refused<T: std::fmt::Debug>(result: Result<T, OrganizationError>, code: &str) {
    assert_eq!(result.unwrap_err().code(), code);
}

#[test]
fn an_account_makes_an_organization_if_it_is_in_none() {
    let made = organization();
    let new = NewOrganization { id: made.id, root: made.root, features: FeatureSet::All };
    let twice = Organization::create(account(), true, new, now());
    check_refused(twice, "AlreadyInOrganizationException");
}

#[test]
fn a_path_names_every_unit_from_the_root_down() {
    let tree = tree();
    let (o, r) = (&tree.id, &tree.root);
    assert_eq!(tree.path_to(&root()), format!("{o}/{r}/"));
    assert_eq!(tree.path_to(&unit(3)), format!("{o}/{r}/{}/{}/", id(1), id(3)));
    assert_eq!(tree.parent_of(&ChildId::Unit(id(3))), Ok(&unit(1)));
    check_refused(tree.parent_of(&ChildId::Unit(id(9))), "ChildNotFoundException");
}

#[test]
#[rustfmt::skip]
fn a_unit_is_unique_in_its_parent_and_goes_only_empty() {
    let tree = tree();
    let create = |parent: ContainerId, name: &str| tree.create_unit(&parent, name.parse().unwrap(), id(9));
    let rename = |number, name: &str| tree.rename_unit(&id(number), name.parse().unwrap());
    check_refused(create(root(), "one"),   "DuplicateOrganizationalUnitException");
    check_refused(create(unit(8), "new"),  "ParentNotFoundException");
    check_refused(rename(2, "one"),        "DuplicateOrganizationalUnitException");
    check_refused(rename(9, "new"),        "OrganizationalUnitNotFoundException");
    check_refused(tree.delete_unit(&id(1)), "OrganizationalUnitNotEmptyException");
    check_refused(tree.delete_unit(&id(9)), "OrganizationalUnitNotFoundException");
    assert!(create(unit(2), "one").is_ok());
    assert_eq!(rename(1, "one").unwrap(), tree);
    assert_eq!(rename(3, "two").unwrap().units[&id(3)].name.as_str(), "two");
    assert!(!tree.delete_unit(&id(3)).unwrap().units.contains_key(&id(3)));
}

#[test]
fn units_are_five_deep_and_no_deeper() {
    let mut tree = organization();
    let mut parent = root();
    for number in 0..5 {
        tree = tree.create_unit(&parent, "x".parse().unwrap(), id(number)).unwrap();
        parent = unit(number);
    }
    let deeper = tree.create_unit(&parent, "x".parse().unwrap(), id(9)).unwrap_err();
    assert_eq!(deeper.reason(), Some("OU_DEPTH_LIMIT_EXCEEDED"));
}

#[test]
#[rustfmt::skip]
fn an_account_moves_from_where_it_is_to_what_exists() {
    let (tree, management) = (tree(), account());
    let stranger = AccountId::from_random([9; 8]);
    let go = |who, from, to| tree.move_account(who, &from, &to);
    check_refused(go(stranger, root(), unit(1)),     "AccountNotFoundException");
    check_refused(go(management, unit(1), unit(2)),  "SourceParentNotFoundException");
    check_refused(go(management, root(), unit(9)),   "DestinationParentNotFoundException");
    check_refused(go(management, root(), root()),    "DuplicateAccountException");
    let moved = go(management, root(), unit(2)).unwrap();
    assert_eq!(moved.parent_of(&ChildId::Account(management)), Ok(&unit(2)));
    check_refused(moved.delete_unit(&id(2)),         "OrganizationalUnitNotEmptyException");
}

#[test]
fn a_new_account_lets_its_management_account_in() {
    let (made, created) = organization()
        .create_account(asking("a@b.example"), &ids(1), Partition::Aws, now())
        .unwrap();
    let CreatedAccount { account: new, role } = created.unwrap();
    assert_eq!((new.id, role.account), (ids(1).account, ids(1).account));
    assert!(role.trust_policy.document().contains("arn:aws:iam::123456789012:root"));
    let attached: Vec<_> = role.attached.iter().map(|arn| arn.as_str().to_owned()).collect();
    assert_eq!(attached, ["arn:aws:iam::aws:policy/AdministratorAccess"]);
    assert_eq!(made.requests[&ids(1).request].outcome, Ok(new.id));
    assert_eq!(made.members[&new.id].parent, root());
    check_refused(made.check_empty(), "OrganizationNotEmptyException");

    let (same, created) =
        made.create_account(asking("A@B.example"), &ids(2), Partition::Aws, now()).unwrap();
    assert!(created.is_none() && same.members == made.members);
    let failed = Err(CreateAccountFailure::EmailAlreadyExists);
    assert_eq!(same.requests[&ids(2).request].outcome, failed);
}

#[test]
fn requests_are_kept_within_a_limit_the_newest_first() {
    let mut made = organization();
    for second in 0..1_005 {
        let mut bytes = [0; 32];
        bytes[0] = u8::try_from(second % 32).unwrap();
        bytes[1] = u8::try_from(second / 32).unwrap();
        let new = NewAccount { request: CreateAccountRequestId::from_random(bytes), ..ids(1) };
        let at = Timestamp::from_second(second).unwrap();
        made = made.create_account(asking("a@b.example"), &new, Partition::Aws, at).unwrap().0;
    }
    assert_eq!(made.requests.len(), 1_000);
    let oldest = made.requests.values().map(|one| one.requested).min();
    assert_eq!(oldest, Some(Timestamp::from_second(5).unwrap()));
}

#[test]
#[rustfmt::skip]
fn an_account_leaves_unless_it_manages_or_is_closed() {
    let made = organization().create_account(asking("a@b.example"), &ids(1), Partition::Aws, now());
    let (made, id) = (made.unwrap().0, ids(1).account);
    let limited = made.enable_policies(SCP, &made.root).unwrap();
    let limited = limited.attach_policy(SCP, policy("one", DENY).id, &TargetId::Account(id)).unwrap();
    let left = limited.remove_account(id).unwrap();
    assert!(!left.members.contains_key(&id) && left.policies.service_control.attached.is_empty());
    check_refused(made.remove_account(account()),      "MasterCannotLeaveOrganizationException");
    check_refused(left.remove_account(id),             "AccountNotFoundException");
    check_refused(left.close_account(id, now()),       "AccountNotFoundException");
    check_refused(made.close_account(account(), now()), "ConstraintViolationException");
    let closed = made.close_account(id, now()).unwrap();
    check_refused(closed.close_account(id, now()),     "AccountAlreadyClosedException");
    check_refused(closed.remove_account(id),           "ConstraintViolationException");
    check_refused(closed.check_empty(),                "OrganizationNotEmptyException");
}

#[test]
fn ten_accounts_are_closed_in_thirty_days() {
    let mut made = organization();
    for number in 0..11 {
        let mail = format!("a{number}@b.example");
        made = made.create_account(asking(&mail), &ids(number), Partition::Aws, now()).unwrap().0;
    }
    let close = |made: &Organization, number, at| made.close_account(ids(number).account, at);
    let closed = (0..10).fold(made, |made, number| close(&made, number, now()).unwrap());
    let day = |number: i32| now() + jiff::SignedDuration::from_hours(24 * i64::from(number));
    let refused = close(&closed, 10, day(29)).unwrap_err();
    assert_eq!(refused.reason(), Some("CLOSE_ACCOUNT_QUOTA_EXCEEDED"));
    assert!(close(&closed, 10, day(30)).is_ok());
}

const SCP: PolicyType = PolicyType::ServiceControl;

fn policy(name: &str, document: &str) -> OrganizationPolicy {
    let mut random = [0; 8];
    random.iter_mut().zip(name.bytes()).for_each(|(place, byte)| *place = byte);
    OrganizationPolicy {
        id: OrganizationPolicyId::from_random(random),
        policy_type: SCP,
        name: name.parse().unwrap(),
        description: "".parse().unwrap(),
        document: document.into(),
    }
}

const DENY: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"iam:*","Resource":"*"}}"#;

#[test]
fn aws_s_own_policy_is_one() {
    for policy_type in PolicyType::ALL {
        let id = policy_type.full_access();
        let own = policy_type.full_access_document();
        assert!(portcullis_iam::Policy::parse(policy_type.document_kind(), own).is_ok());
        assert_eq!(check_modifiable(&id).unwrap_err().reason(), Some("IMMUTABLE_POLICY"));
        let arn = organization().policy_arn(Partition::Aws, policy_type, &id);
        let of_type = policy_type.in_arn();
        assert_eq!(arn, format!("arn:aws:organizations::aws:policy/{of_type}/{id}"));
        let whole = (policy_type.full_access_name(), policy_type.full_access_description());
        assert!(whole.0.parse::<OrganizationPolicyName>().is_ok());
        assert!(whole.1.parse::<PolicyDescription>().is_ok());
    }
}

const RCP: PolicyType = PolicyType::ResourceControl;

#[test]
#[rustfmt::skip]
fn a_resource_control_policy_denies_to_everyone_and_nothing_else() {
    let made = |statement: &str| {
        let document = format!(r#"{{"Version":"2012-10-17","Statement":{{{statement}}}}}"#);
        let new = OrganizationPolicy { policy_type: RCP, ..policy("one", &document) };
        OrganizationPolicy::create(new, [policy("one", DENY)].iter())
    };
    let code = "MalformedPolicyDocumentException";
    assert!(made(r#""Effect":"Deny","Principal":"*","Action":"lambda:*","Resource":"*""#).is_ok());
    check_refused(made(r#""Effect":"Deny","Principal":"*","Action":"*","Resource":"*""#), code);
    check_refused(made(r#""Effect":"Deny","Principal":"*","NotAction":"s3:*","Resource":"*""#), code);
    check_refused(made(r#""Effect":"Deny","NotPrincipal":"*","Action":"s3:*","Resource":"*""#), code);
    check_refused(made(r#""Effect":"Deny","Principal":{"AWS":"123456789012"},"Action":"s3:*","Resource":"*""#), code);
    check_refused(made(r#""Effect":"Deny","Action":"s3:*","Resource":"*""#), code);
    check_refused(made(r#""Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*""#), code);
    check_refused(made(r#""Effect":"Allow","Principal":"*","Action":"*","Resource":"*""#), code);
}

#[test]
fn aws_s_own_resource_control_policy_stays_wherever_it_is() {
    let tree = tree();
    let (target, own) = (TargetId::Unit(id(1)), RCP.full_access());
    assert_eq!(tree.attached_to(RCP, &target).len(), 0);
    let on = tree.enable_policies(RCP, &tree.root).unwrap();
    assert!(!on.policies.service_control.in_force);
    assert!(on.attached_to(RCP, &target).contains(&own));
    let other = policy("one", DENY).id;
    let with = on.attach_policy(RCP, other.clone(), &target).unwrap();
    assert_eq!(
        with.detach_policy(RCP, &own, &target).unwrap_err().reason(),
        Some("NON_DETACHABLE_POLICY")
    );
    assert_eq!(with.detach_policy(RCP, &other, &target).unwrap().targets_of(&own).count(), 5);
    assert!(with.targets_of(&other).eq([target]));
    assert_eq!(with.disable_policies(RCP, &tree.root), Ok(tree));
}

#[test]
#[rustfmt::skip]
fn a_policy_has_a_name_of_its_own_and_a_document_of_its_kind() {
    let [one, two] = ["one", "two"].map(|name| policy(name, DENY));
    let create = |new, others: &[OrganizationPolicy]| OrganizationPolicy::create(new, others.iter());
    let both = [one.clone(), two.clone()];
    check_refused(create(one.clone(), &both), "DuplicatePolicyException");
    check_refused(create(policy("new", "{"), &both), "MalformedPolicyDocumentException");
    check_refused(create(policy("new", &DENY.replace("Resource", "Principal")), &both), "MalformedPolicyDocumentException");
    let long = DENY.replace("iam:*", &"x".repeat(5_120));
    assert_eq!(create(policy("new", &long), &both).unwrap_err().reason(), Some("POLICY_CONTENT_LIMIT_EXCEEDED"));
    let rename = |name: &str| one.update(Some(name.parse().unwrap()), None, None, both.iter());
    check_refused(rename("two"), "DuplicatePolicyException");
    assert_eq!(rename("one").unwrap(), one);
    check_refused(one.update(None, None, Some("{"), both.iter()), "MalformedPolicyDocumentException");
}

#[test]
fn policies_are_attached_while_their_type_is_enabled() {
    let target = TargetId::Unit(id(1));
    let tree = tree();
    let root_id = tree.root.clone();
    let own = policy("one", DENY).id;
    assert!(tree.attached_to(SCP, &target).contains(&SCP.full_access()));
    check_refused(tree.attach_policy(SCP, own.clone(), &target), "PolicyTypeNotEnabledException");
    check_refused(tree.disable_policies(SCP, &root_id), "PolicyTypeNotEnabledException");
    let other_root = RootId::from_random([9; 4]);
    check_refused(tree.enable_policies(SCP, &other_root), "RootNotFoundException");
    let billing = Organization { features: FeatureSet::ConsolidatedBilling, ..tree.clone() };
    let code = "PolicyTypeNotAvailableForOrganizationException";
    check_refused(billing.enable_policies(SCP, &root_id), code);
    let on = tree.enable_policies(SCP, &root_id).unwrap();
    check_refused(on.enable_policies(SCP, &root_id), "PolicyTypeAlreadyEnabledException");

    let with = on.attach_policy(SCP, own.clone(), &target).unwrap();
    check_refused(
        with.attach_policy(SCP, own.clone(), &target),
        "DuplicatePolicyAttachmentException",
    );
    check_refused(with.check_unattached(&own), "PolicyInUseException");
    assert!(with.targets_of(&own).eq([target.clone()]));
    let alone = with.detach_policy(SCP, &SCP.full_access(), &target).unwrap();
    check_refused(
        alone.detach_policy(SCP, &SCP.full_access(), &target),
        "PolicyNotAttachedException",
    );
    let last = alone.detach_policy(SCP, &own, &target).unwrap_err();
    assert_eq!(last.reason(), Some("MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"));
    check_refused(
        on.attach_policy(SCP, own.clone(), &TargetId::Unit(id(9))),
        "TargetNotFoundException",
    );

    let full = ["b", "c", "d", "e"]
        .into_iter()
        .fold(on, |on, name| on.attach_policy(SCP, policy(name, DENY).id, &target).unwrap());
    let sixth = full.attach_policy(SCP, own.clone(), &target).unwrap_err();
    assert_eq!(sixth.reason(), Some("MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"));

    let off = alone.disable_policies(SCP, &root_id).unwrap();
    assert_eq!(off, tree);
    assert_eq!(off.check_unattached(&own), Ok(()));
}

fn tags(pairs: &[(&str, &str)]) -> Tags {
    let all = pairs.iter().map(|(key, value)| crate::tags::Tag::new(key, value).unwrap());
    Tags::new(all.collect()).unwrap()
}

#[test]
fn tags_are_on_what_is_there_and_go_with_it() {
    let (tree, unit) = (tree(), TaggableId::Unit(id(3)));
    let tagged = tree.tag(&unit, &tags(&[("Team", "red"), ("Stage", "test")])).unwrap();
    let again = tagged.tag(&unit, &tags(&[("Team", "blue")])).unwrap();
    assert_eq!(again.tags_of(&unit).unwrap().value("Team"), Some("blue"));
    assert_eq!(again.tags_of(&unit).unwrap().iter().count(), 2);
    let untagged = again.untag(&unit, &["Team".to_owned(), "Stage".to_owned(), "no".to_owned()]);
    assert_eq!(untagged.unwrap(), tree);
    assert!(tagged.delete_unit(&id(3)).unwrap().tags.is_empty());
    check_refused(tree.tag(&TaggableId::Unit(id(9)), &tags(&[])), "TargetNotFoundException");
    let many: Vec<_> = (0..50).map(|number| format!("k{number}")).collect();
    let many: Vec<_> = many.iter().map(|key| (key.as_str(), "")).collect();
    let full = tree.tag(&unit, &tags(&many)).unwrap();
    let more = full.tag(&unit, &tags(&[("one more", "")])).unwrap_err();
    assert_eq!(more.reason(), Some("MAX_TAG_LIMIT_EXCEEDED"));
    assert!(full.tag(&unit, &tags(&[("k1", "new")])).is_ok());
}
