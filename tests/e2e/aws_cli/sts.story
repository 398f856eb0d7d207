# Sessions: of a role, of the caller itself, of a federated user; and what they are told when they may not.

> trust.json
{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Principal": {"AWS": "${ACCOUNT}"}, "Action": ["sts:AssumeRole", "sts:TagSession"],
   "Condition": {"StringEquals": {"sts:ExternalId": "4711"}}}]}

> everything.json
{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

> list-users.json
{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*"}]}

$ aws sts get-caller-identity
  @ = {"UserId": "${ACCOUNT}", "Account": "${ACCOUNT}", "Arn": "arn:aws:iam::${ACCOUNT}:root"}
$ aws sts get-access-key-info --access-key-id ${ROOT_KEY}
  Account = "${ACCOUNT}"
$ aws sts get-access-key-info --access-key-id AKIAIOSFODNN7EXAMPLE
  ! NoSuchEntity: The Access Key with id AKIAIOSFODNN7EXAMPLE cannot be found.
$ aws iam create-user --user-name ann
  User.UserName = "ann"
  user := User.UserId
$ aws iam put-user-policy --user-name ann --policy-name all --policy-document file://everything.json
$ aws iam create-access-key --user-name ann
  key := AccessKey.AccessKeyId
  secret := AccessKey.SecretAccessKey
$ aws configure set aws_access_key_id ${key} --profile ann
$ aws configure set aws_secret_access_key ${secret} --profile ann

# A session of a role: its trust policy asks for the external id, a session policy takes away.
$ aws iam create-role --role-name helper --assume-role-policy-document file://trust.json
  Role.RoleName = "helper"
  role := Role.Arn
  role_id := Role.RoleId
$ aws iam put-role-policy --role-name helper --policy-name all --policy-document file://everything.json
$ aws sts assume-role --role-arn ${role} --role-session-name night-run --profile ann
  ! AccessDenied: User: arn:aws:iam::${ACCOUNT}:user/ann is not authorized to perform: sts:AssumeRole on resource: ${role} because no resource-based policy allows the sts:AssumeRole action
$ aws sts assume-role --role-arn ${role} --role-session-name night-run --external-id 4711 --duration-seconds 43200 --profile ann
  ! ValidationError: The requested DurationSeconds exceeds the MaxSessionDuration set for this role.
$ aws sts assume-role --role-arn ${role} --role-session-name night-run --external-id 4711 --duration-seconds 900 \
    --policy file://list-users.json --tags Key=Team,Value=red --transitive-tag-keys Team --profile ann
  AssumedRoleUser.Arn = "arn:aws:sts::${ACCOUNT}:assumed-role/helper/night-run"
  AssumedRoleUser.AssumedRoleId = "${role_id}:night-run"
  key := Credentials.AccessKeyId
  secret := Credentials.SecretAccessKey
  token := Credentials.SessionToken
$ aws configure set aws_access_key_id ${key} --profile helper
$ aws configure set aws_secret_access_key ${secret} --profile helper
$ aws configure set aws_session_token ${token} --profile helper
$ aws sts get-caller-identity --profile helper
  UserId = "${role_id}:night-run"
$ aws iam list-users --profile helper
  Users[].UserName = ["ann"]
$ aws iam list-roles --profile helper
  ! AccessDenied: User: arn:aws:sts::${ACCOUNT}:assumed-role/helper/night-run is not authorized to perform: iam:ListRoles on resource: arn:aws:iam::${ACCOUNT}:role/ because no session policy allows the iam:ListRoles action

# The caller's own session, which may assume roles but not touch IAM.
$ aws sts get-session-token --duration-seconds 900 --profile ann
  key := Credentials.AccessKeyId
  secret := Credentials.SecretAccessKey
  token := Credentials.SessionToken
$ aws configure set aws_access_key_id ${key} --profile ann-session
$ aws configure set aws_secret_access_key ${secret} --profile ann-session
$ aws configure set aws_session_token ${token} --profile ann-session
$ aws sts get-caller-identity --profile ann-session
  [UserId, Arn] = ["${user}", "arn:aws:iam::${ACCOUNT}:user/ann"]
$ aws sts get-session-token --profile ann-session
  ! AccessDenied: …
$ aws iam list-users --profile ann-session
  ! InvalidClientTokenId: The security token included in the request is invalid.

# A federated user: what both its user and its session policy allow.
$ aws sts get-federation-token --name susan --policy file://list-users.json --profile ann
  FederatedUser = {"FederatedUserId": "${ACCOUNT}:susan", "Arn": "arn:aws:sts::${ACCOUNT}:federated-user/susan"}
  key := Credentials.AccessKeyId
  secret := Credentials.SecretAccessKey
  token := Credentials.SessionToken
$ aws configure set aws_access_key_id ${key} --profile susan
$ aws configure set aws_secret_access_key ${secret} --profile susan
$ aws configure set aws_session_token ${token} --profile susan
$ aws sts get-caller-identity --profile susan
  Arn = "arn:aws:sts::${ACCOUNT}:federated-user/susan"
$ aws sts get-federation-token --name su --policy {
  ! MalformedPolicyDocument: …

# A denial is decoded for the account that it is about.
$ aws sts decode-authorization-message --encoded-message ${DENIAL}
  contains(DecodedMessage, '"allowed":false') = true
  contains(DecodedMessage, '"action":"lambda:ListFunctions"') = true
$ aws sts decode-authorization-message --encoded-message nonsense
  ! InvalidAuthorizationMessageException: Message is invalid

# With its user, its role and its key each session ends.
$ aws iam delete-role-policy --role-name helper --policy-name all
$ aws iam delete-role --role-name helper
$ aws sts get-caller-identity --profile helper
  ! InvalidClientTokenId: The security token included in the request is invalid.
$ aws iam list-access-keys --user-name ann
  first := AccessKeyMetadata[0].AccessKeyId
$ aws iam delete-access-key --user-name ann --access-key-id ${first}
$ aws sts get-caller-identity --profile ann-session
  ! InvalidClientTokenId: The security token included in the request is invalid.
$ aws sts get-caller-identity --profile susan
  ! InvalidClientTokenId: The security token included in the request is invalid.
$ aws iam delete-user-policy --user-name ann --policy-name all
$ aws iam delete-user --user-name ann
