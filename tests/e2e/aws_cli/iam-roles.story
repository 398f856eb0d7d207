# Roles: who may assume them, what they may, and those that belong to a service.

> trust-lambda.json
{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}

> trust-account.json
{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::${ACCOUNT}:root"}, "Action": "sts:AssumeRole"}]}

> no-trust.json
{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}

> list-roles.json
{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:ListRoles", "Resource": "*"}]}

$ aws iam create-role --role-name runner --path /fn/ --assume-role-policy-document file://trust-lambda.json \
    --description "Runs functions" --max-session-duration 7200 --tags Key=Team,Value=red
  Role.Arn = "arn:aws:iam::${ACCOUNT}:role/fn/runner"
  Role.Tags = [{"Key": "Team", "Value": "red"}]
  id := Role.RoleId
  arn := Role.Arn
$ aws iam wait role-exists --role-name runner
$ aws iam create-role --role-name RUNNER --assume-role-policy-document file://trust-lambda.json
  ! EntityAlreadyExists: Role with name RUNNER already exists.
$ aws iam create-role --role-name broken --assume-role-policy-document file://no-trust.json
  ! MalformedPolicyDocument: …
$ aws iam get-role --role-name runner
  Role.RoleId = "${id}"
  Role.Description = "Runs functions"
  Role.MaxSessionDuration = 7200
  Role.AssumeRolePolicyDocument.Statement[0].Principal = {"Service": "lambda.amazonaws.com"}
$ aws iam list-roles --path-prefix /fn/
  Roles[].RoleName = ["runner"]
$ aws iam get-role --role-name nobody
  ! NoSuchEntity: The role with name nobody cannot be found.

# What describes it changes.
$ aws iam update-role --role-name runner --description "Runs them all" --max-session-duration 3600
$ aws iam get-role --role-name runner
  Role.[Description, MaxSessionDuration] = ["Runs them all", 3600]
$ aws iam update-role-description --role-name runner --description Another
  Role.Description = "Another"
$ aws iam tag-role --role-name runner --tags Key=Cost,Value=7
$ aws iam list-role-tags --role-name runner
  Tags[].Key = ["Cost", "Team"]
$ aws iam untag-role --role-name runner --tag-keys Team
$ aws iam list-role-tags --role-name runner
  Tags = [{"Key": "Cost", "Value": "7"}]
$ aws iam list-instance-profiles
  InstanceProfiles = []
$ aws iam list-instance-profiles-for-role --role-name runner
  InstanceProfiles = []

# Its trust policy decides who becomes it: a profile of the command line does, once it may.
$ aws configure set role_arn ${arn} --profile runner
$ aws configure set credential_source Environment --profile runner
$ aws sts assume-role --role-arn ${arn} --role-session-name me
  ! AccessDenied: User: arn:aws:iam::${ACCOUNT}:root is not authorized to perform: sts:AssumeRole on resource: ${arn} because …
$ aws iam update-assume-role-policy --role-name runner --policy-document file://trust-account.json
$ aws iam get-role --role-name runner --query Role.AssumeRolePolicyDocument.Statement[].Principal.AWS
  @ = ["arn:aws:iam::${ACCOUNT}:root"]
$ aws sts get-caller-identity --profile runner --query "starts_with(Arn, 'arn:aws:sts::${ACCOUNT}:assumed-role/runner/')"
  @ = true

# Its policies decide what its session may.
$ aws iam list-roles --profile runner
  ! AccessDenied: …
$ aws iam put-role-policy --role-name runner --policy-name look --policy-document file://list-roles.json
$ aws iam list-roles --profile runner
  Roles[].RoleName = ["runner"]
$ aws iam get-role-policy --role-name runner --policy-name look
  PolicyDocument.Statement[0].Action = "iam:ListRoles"
$ aws iam list-role-policies --role-name runner
  PolicyNames = ["look"]
$ aws iam put-role-permissions-boundary --role-name runner --permissions-boundary arn:aws:iam::aws:policy/AWSDenyAll
$ aws iam get-role --role-name runner
  Role.PermissionsBoundary.PermissionsBoundaryArn = "arn:aws:iam::aws:policy/AWSDenyAll"
$ aws iam list-roles --profile runner
  ! AccessDenied: …
$ aws iam delete-role-permissions-boundary --role-name runner
$ aws iam list-roles --profile runner
  length(Roles) = 1
$ aws iam attach-role-policy --role-name runner --policy-arn arn:aws:iam::aws:policy/IAMReadOnlyAccess
$ aws iam list-attached-role-policies --role-name runner
  AttachedPolicies[].PolicyArn = ["arn:aws:iam::aws:policy/IAMReadOnlyAccess"]
$ aws iam list-users --profile runner
  Users = []
$ aws iam detach-role-policy --role-name runner --policy-arn arn:aws:iam::aws:policy/IAMReadOnlyAccess
$ aws iam list-attached-role-policies --role-name runner
  AttachedPolicies = []
$ aws iam list-users --profile runner
  ! AccessDenied: …
$ aws iam delete-role --role-name runner
  ! DeleteConflict: Cannot delete entity, must delete policies first.
$ aws iam delete-role-policy --role-name runner --policy-name look
$ aws iam list-role-policies --role-name runner
  PolicyNames = []
$ aws iam delete-role --role-name runner
$ aws iam delete-role --role-name runner
  ! NoSuchEntity: The role with name runner cannot be found.
$ aws iam list-roles --profile runner
  ! InvalidClientTokenId: The security token included in the request is invalid.

# A role that belongs to a service is made and deleted for it.
$ aws iam create-service-linked-role --aws-service-name autoscaling.amazonaws.com --description Scales
  Role.RoleName = "AWSServiceRoleForAutoScaling"
  Role.Path = "/aws-service-role/autoscaling.amazonaws.com/"
$ aws iam create-service-linked-role --aws-service-name nothing.amazonaws.com
  ! InvalidInput: …
$ aws iam delete-role --role-name AWSServiceRoleForAutoScaling
  ! UnmodifiableEntity: Cannot perform the operation on the protected role 'AWSServiceRoleForAutoScaling' - this role is only modifiable by AWS
$ aws iam delete-service-linked-role --role-name AWSServiceRoleForAutoScaling
  task := DeletionTaskId
$ aws iam get-service-linked-role-deletion-status --deletion-task-id ${task}
  Status = "SUCCEEDED"
$ aws iam get-role --role-name AWSServiceRoleForAutoScaling
  ! NoSuchEntity: The role with name AWSServiceRoleForAutoScaling cannot be found.
$ aws iam list-roles
  Roles = []
