# Managed policies: versions, tags, and who has them.

> one.json
{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*"}]}

> two.json
{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:ListRoles", "Resource": "*"}]}

$ aws iam create-policy --policy-name looks --path /team/ --policy-document file://one.json \
    --description "What one may look at" --tags Key=Team,Value=red
  Policy.Arn = "arn:aws:iam::${ACCOUNT}:policy/team/looks"
  Policy.[DefaultVersionId, AttachmentCount, IsAttachable] = ["v1", 0, true]
  arn := Policy.Arn
  id := Policy.PolicyId
$ aws iam wait policy-exists --policy-arn ${arn}
$ aws iam create-policy --policy-name looks --policy-document file://one.json
  ! EntityAlreadyExists: A policy called looks already exists. Duplicate names are not allowed.
$ aws iam create-policy --policy-name broken --policy-document '{"Version": "2011-01-01"}'
  ! MalformedPolicyDocument: …
$ aws iam get-policy --policy-arn ${arn}
  Policy.PolicyId = "${id}"
  Policy.Description = "What one may look at"
$ aws iam get-policy --policy-arn arn:aws:iam::${ACCOUNT}:policy/missing
  ! NoSuchEntity: Policy arn:aws:iam::${ACCOUNT}:policy/missing was not found.
$ aws iam list-policies --scope Local
  Policies[].PolicyName = ["looks"]
$ aws iam list-policies --scope AWS --query "Policies[?PolicyName=='AdministratorAccess'].Arn"
  @ = ["arn:aws:iam::aws:policy/AdministratorAccess"]
$ aws iam list-policies --only-attached
  Policies = []

# What is attached decides by its default version.
$ aws iam create-user --user-name ann
  User.UserName = "ann"
$ aws iam create-access-key --user-name ann
  key := AccessKey.AccessKeyId
  secret := AccessKey.SecretAccessKey
$ aws configure set aws_access_key_id ${key} --profile ann
$ aws configure set aws_secret_access_key ${secret} --profile ann
$ aws iam attach-user-policy --user-name ann --policy-arn ${arn}
$ aws iam list-entities-for-policy --policy-arn ${arn}
  PolicyUsers[].UserName = ["ann"]
  PolicyGroups = []
  PolicyRoles = []
$ aws iam list-policies --only-attached
  Policies[].[PolicyName, AttachmentCount] = [["looks", 1]]
$ aws iam list-users --profile ann
  length(Users) = 1
$ aws iam create-policy-version --policy-arn ${arn} --policy-document file://two.json
  PolicyVersion.[VersionId, IsDefaultVersion] = ["v2", false]
$ aws iam list-policy-versions --policy-arn ${arn}
  Versions[].[VersionId, IsDefaultVersion] = [["v2", false], ["v1", true]]
$ aws iam list-roles --profile ann
  ! AccessDenied: …
$ aws iam set-default-policy-version --policy-arn ${arn} --version-id v2
$ aws iam get-policy-version --policy-arn ${arn} --version-id v2
  PolicyVersion.IsDefaultVersion = true
  PolicyVersion.Document.Statement[0].Action = "iam:ListRoles"
$ aws iam list-roles --profile ann
  Roles = []
$ aws iam list-users --profile ann
  ! AccessDenied: …
$ aws iam delete-policy-version --policy-arn ${arn} --version-id v2
  ! DeleteConflict: Cannot delete the default version of a policy.
$ aws iam delete-policy-version --policy-arn ${arn} --version-id v1
$ aws iam list-policy-versions --policy-arn ${arn}
  Versions[].VersionId = ["v2"]

# Tags.
$ aws iam tag-policy --policy-arn ${arn} --tags Key=Cost,Value=7
$ aws iam list-policy-tags --policy-arn ${arn}
  Tags = [{"Key": "Cost", "Value": "7"}, {"Key": "Team", "Value": "red"}]
$ aws iam untag-policy --policy-arn ${arn} --tag-keys Team Cost
$ aws iam list-policy-tags --policy-arn ${arn}
  Tags = []

# What is in use stays; what is AWS's stays as it is.
$ aws iam delete-policy --policy-arn ${arn}
  ! DeleteConflict: Cannot delete a policy attached to entities.
$ aws iam delete-policy --policy-arn arn:aws:iam::aws:policy/ReadOnlyAccess
  ! AccessDenied: …
$ aws iam detach-user-policy --user-name ann --policy-arn ${arn}
$ aws iam list-roles --profile ann
  ! AccessDenied: …
$ aws iam delete-policy --policy-arn ${arn}
$ aws iam list-policies --scope Local
  Policies = []
$ aws iam delete-access-key --user-name ann --access-key-id ${key}
$ aws iam delete-user --user-name ann
