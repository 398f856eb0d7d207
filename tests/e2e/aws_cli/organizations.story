# An organization: units, accounts, what limits them, and its end.

> no-iam.json
{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "iam:ListUsers", "Resource": "*"}]}

> nothing-denied.json
{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "iam:ListGroups", "Resource": "*"}]}

$ aws organizations describe-organization
  ! AWSOrganizationsNotInUseException: Your account is not a member of an organization.
$ aws organizations create-organization --feature-set ALL
  Organization.[FeatureSet, MasterAccountId] = ["ALL", "${ACCOUNT}"]
  o := Organization.Id
$ aws organizations create-organization
  ! AlreadyInOrganizationException: The AWS account is already a member of an organization.
$ aws organizations describe-organization
  Organization.Arn = "arn:aws:organizations::${ACCOUNT}:organization/${o}"
$ aws organizations list-roots
  length(Roots) = 1
  root := Roots[0].Id

# Units.
$ aws organizations create-organizational-unit --parent-id ${root} --name Work --tags Key=Stage,Value=test
  OrganizationalUnit.Name = "Work"
  unit := OrganizationalUnit.Id
$ aws organizations create-organizational-unit --parent-id ${root} --name Work
  ! DuplicateOrganizationalUnitException: An OU with the same name already exists.
$ aws organizations create-organizational-unit --parent-id ${unit} --name Inner
  inner := OrganizationalUnit.Id
$ aws organizations list-organizational-units-for-parent --parent-id ${root}
  OrganizationalUnits[].Id = ["${unit}"]
$ aws organizations list-children --parent-id ${unit} --child-type ORGANIZATIONAL_UNIT
  Children = [{"Id": "${inner}", "Type": "ORGANIZATIONAL_UNIT"}]
$ aws organizations list-parents --child-id ${inner}
  Parents = [{"Id": "${unit}", "Type": "ORGANIZATIONAL_UNIT"}]
$ aws organizations update-organizational-unit --organizational-unit-id ${inner} --name Outer
  OrganizationalUnit.Name = "Outer"
$ aws organizations describe-organizational-unit --organizational-unit-id ${inner}
  OrganizationalUnit.[Id, Name] = ["${inner}", "Outer"]
$ aws organizations delete-organizational-unit --organizational-unit-id ${unit}
  ! OrganizationalUnitNotEmptyException: …
$ aws organizations delete-organizational-unit --organizational-unit-id ${inner}
$ aws organizations describe-organizational-unit --organizational-unit-id ${inner}
  ! OrganizationalUnitNotFoundException: …

# Accounts: made, found, moved, entered through their role.
$ aws organizations create-account --account-name shop --email shop-${ACCOUNT}@x.example
  CreateAccountStatus.[State, AccountName] = ["SUCCEEDED", "shop"]
  request := CreateAccountStatus.Id
  shop := CreateAccountStatus.AccountId
$ aws organizations describe-create-account-status --create-account-request-id ${request}
  CreateAccountStatus.[State, AccountId] = ["SUCCEEDED", "${shop}"]
$ aws organizations create-account --account-name again --email shop-${ACCOUNT}@x.example
  CreateAccountStatus.[State, FailureReason] = ["FAILED", "EMAIL_ALREADY_EXISTS"]
$ aws organizations list-create-account-status --states FAILED
  CreateAccountStatuses[].AccountName = ["again"]
$ aws organizations describe-account --account-id ${shop}
  Account.[Name, Status, JoinedMethod] = ["shop", "ACTIVE", "CREATED"]
$ aws organizations describe-account --account-id 999999999999
  ! AccountNotFoundException: You specified an account that doesn't exist.
$ aws organizations list-accounts
  length(Accounts) = 2
  Accounts[?Id=='${shop}'].Name = ["shop"]
$ aws organizations move-account --account-id ${shop} --source-parent-id ${root} --destination-parent-id ${unit}
$ aws organizations move-account --account-id ${shop} --source-parent-id ${root} --destination-parent-id ${unit}
  ! SourceParentNotFoundException: …
$ aws organizations list-accounts-for-parent --parent-id ${unit}
  Accounts[].Id = ["${shop}"]
$ aws organizations list-children --parent-id ${unit} --child-type ACCOUNT
  Children[].Id = ["${shop}"]
$ aws configure set role_arn arn:aws:iam::${shop}:role/OrganizationAccountAccessRole --profile shop
$ aws configure set credential_source Environment --profile shop
$ aws iam list-users --profile shop
  Users = []
$ aws organizations list-accounts --profile shop
  ! AccessDeniedException: …

# Policies limit the accounts below, once their type is enabled.
$ aws organizations create-policy --name no-iam --description "Nobody looks" --type SERVICE_CONTROL_POLICY --content file://no-iam.json
  Policy.PolicySummary.[Name, Type, AwsManaged] = ["no-iam", "SERVICE_CONTROL_POLICY", false]
  policy := Policy.PolicySummary.Id
$ aws organizations create-policy --name bad --description "" --type SERVICE_CONTROL_POLICY --content {}
  ! MalformedPolicyDocumentException: …
$ aws organizations attach-policy --policy-id ${policy} --target-id ${unit}
  ! PolicyTypeNotEnabledException: …
$ aws organizations enable-policy-type --root-id ${root} --policy-type SERVICE_CONTROL_POLICY
  Root.PolicyTypes = [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}]
$ aws organizations attach-policy --policy-id ${policy} --target-id ${unit}
$ aws iam list-users --profile shop
  ! AccessDenied: …
$ aws iam list-users
  Users = []
$ aws organizations list-targets-for-policy --policy-id ${policy}
  Targets[].[TargetId, Type] = [["${unit}", "ORGANIZATIONAL_UNIT"]]
$ aws organizations list-policies-for-target --target-id ${unit} --filter SERVICE_CONTROL_POLICY
  sort(Policies[].Name) = ["FullAWSAccess", "no-iam"]
$ aws organizations list-policies --filter SERVICE_CONTROL_POLICY
  sort(Policies[].Name) = ["FullAWSAccess", "no-iam"]
$ aws organizations update-policy --policy-id ${policy} --name no-groups --content file://nothing-denied.json
  Policy.PolicySummary.Name = "no-groups"
$ aws organizations describe-policy --policy-id ${policy}
  Policy.PolicySummary.[Name, Description] = ["no-groups", "Nobody looks"]
$ aws iam list-users --profile shop
  Users = []
$ aws iam list-groups --profile shop
  ! AccessDenied: …
$ aws organizations delete-policy --policy-id ${policy}
  ! PolicyInUseException: …
$ aws organizations list-accounts-for-parent --parent-id ${root}
  Accounts[].Id = ["${ACCOUNT}"]
$ aws organizations detach-policy --policy-id ${policy} --target-id ${unit}
$ aws organizations detach-policy --policy-id ${policy} --target-id ${unit}
  ! PolicyNotAttachedException: …
$ aws iam list-groups --profile shop
  Groups = []

# Once the type is disabled nothing is limited, and what was attached is no more.
$ aws organizations attach-policy --policy-id ${policy} --target-id ${shop}
$ aws iam list-groups --profile shop
  ! AccessDenied: …
$ aws organizations disable-policy-type --root-id ${root} --policy-type SERVICE_CONTROL_POLICY
  Root.PolicyTypes = []
$ aws iam list-groups --profile shop
  Groups = []
$ aws organizations enable-policy-type --root-id ${root} --policy-type SERVICE_CONTROL_POLICY
  Root.Id = "${root}"
$ aws organizations list-policies-for-target --target-id ${shop} --filter SERVICE_CONTROL_POLICY
  Policies[].Name = ["FullAWSAccess"]
$ aws iam list-groups --profile shop
  Groups = []
$ aws organizations delete-policy --policy-id ${policy}
$ aws organizations describe-policy --policy-id ${policy}
  ! PolicyNotFoundException: …

# Tags.
$ aws organizations tag-resource --resource-id ${unit} --tags Key=Team,Value=red
$ aws organizations list-tags-for-resource --resource-id ${unit}
  Tags = [{"Key": "Stage", "Value": "test"}, {"Key": "Team", "Value": "red"}]
$ aws organizations untag-resource --resource-id ${unit} --tag-keys Stage
$ aws organizations list-tags-for-resource --resource-id ${unit}
  Tags = [{"Key": "Team", "Value": "red"}]
$ aws organizations tag-resource --resource-id 999999999999 --tags Key=Team,Value=red
  ! TargetNotFoundException: …

# Accounts leave, are removed and are closed; an organization ends empty.
$ aws organizations create-account --account-name lab --email lab-${ACCOUNT}@x.example
  lab := CreateAccountStatus.AccountId
$ aws configure set role_arn arn:aws:iam::${lab}:role/OrganizationAccountAccessRole --profile lab
$ aws configure set credential_source Environment --profile lab
$ aws organizations leave-organization
  ! MasterCannotLeaveOrganizationException: …
$ aws organizations leave-organization --profile lab
$ aws organizations describe-organization --profile lab
  ! AWSOrganizationsNotInUseException: Your account is not a member of an organization.
$ aws organizations delete-organization
  ! OrganizationNotEmptyException: …
$ aws organizations remove-account-from-organization --account-id ${shop}
$ aws organizations list-accounts
  Accounts[].Id = ["${ACCOUNT}"]
$ aws organizations delete-organizational-unit --organizational-unit-id ${unit}
$ aws organizations delete-organization
$ aws organizations describe-organization
  ! AWSOrganizationsNotInUseException: Your account is not a member of an organization.
$ aws organizations invite-account-to-organization --target Id=${shop},Type=ACCOUNT
  ! UnsupportedOperationException: …
