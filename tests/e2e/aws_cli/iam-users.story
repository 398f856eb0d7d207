# Users: their keys, their policies, their tags, their boundary, and what people have that nobody has here.

> read-only.json
{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["iam:Get*", "iam:List*"], "Resource": "*"}]}

# A user is made, found and listed.
$ aws iam create-user --user-name ann --path /team/ --tags Key=Team,Value=red Key=Cost,Value=7
  User.UserName = "ann"
  User.Path = "/team/"
  User.Arn = "arn:aws:iam::${ACCOUNT}:user/team/ann"
  User.Tags = [{"Key": "Team", "Value": "red"}, {"Key": "Cost", "Value": "7"}]
  id := User.UserId
$ aws iam wait user-exists --user-name ann
$ aws iam create-user --user-name Ann
  ! EntityAlreadyExists: User with name Ann already exists.
$ aws iam create-user --user-name "<ann>&co"
  ! ValidationError: 1 validation error detected: Value '<ann>&co' at 'userName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]+
$ aws iam get-user --user-name ann
  User.UserId = "${id}"
  length(User.Tags) = 2
$ aws iam get-user
  User.Arn = "arn:aws:iam::${ACCOUNT}:root"
$ aws iam create-user --user-name bob
  User.Path = "/"
$ aws iam list-users
  Users[].UserName = ["ann", "bob"]
$ aws iam list-users --path-prefix /team/
  Users[].UserId = ["${id}"]
$ aws iam list-users --page-size 1
  Users[].UserName = ["ann", "bob"]
$ aws iam list-users --max-items 1
  Users[].UserName = ["ann"]
  next := NextToken
$ aws iam list-users --max-items 1 --starting-token ${next}
  Users[].UserName = ["bob"]
$ aws iam list-users --query "Users[?UserName=='bob'].Path"
  @ = ["/"]
$ aws iam get-user --user-name nobody
  ! NoSuchEntity: The user with name nobody cannot be found.

# Keys: two at most, active or not, and when they were used.
$ aws iam create-access-key --user-name ann
  AccessKey.Status = "Active"
  AccessKey.UserName = "ann"
  key := AccessKey.AccessKeyId
  secret := AccessKey.SecretAccessKey
$ aws configure set aws_access_key_id ${key} --profile ann
$ aws configure set aws_secret_access_key ${secret} --profile ann
$ aws sts get-caller-identity --profile ann
  Arn = "arn:aws:iam::${ACCOUNT}:user/team/ann"
  UserId = "${id}"
$ aws iam create-access-key --user-name ann
  second := AccessKey.AccessKeyId
$ aws iam create-access-key --user-name ann
  ! LimitExceeded: Cannot exceed quota for AccessKeysPerUser: 2
$ aws iam list-access-keys --user-name ann
  AccessKeyMetadata[?AccessKeyId=='${second}'].Status = ["Active"]
  length(AccessKeyMetadata) = 2
$ aws iam update-access-key --user-name ann --access-key-id ${second} --status Inactive
$ aws iam list-access-keys --user-name ann --query "AccessKeyMetadata[?Status=='Inactive'].AccessKeyId"
  @ = ["${second}"]
$ aws iam delete-access-key --user-name ann --access-key-id ${second}
$ aws iam delete-access-key --user-name ann --access-key-id ${second}
  ! NoSuchEntity: The Access Key with id ${second} cannot be found.
$ aws iam list-access-keys --user-name ann
  AccessKeyMetadata[].AccessKeyId = ["${key}"]
$ aws iam get-access-key-last-used --access-key-id ${key}
  UserName = "ann"
  AccessKeyLastUsed.ServiceName = "sts"
  AccessKeyLastUsed.Region = "us-east-1"

# A policy of the user's own decides what it may.
$ aws iam list-users --profile ann
  ! AccessDenied: User: arn:aws:iam::${ACCOUNT}:user/team/ann is not authorized to perform: iam:ListUsers on resource: arn:aws:iam::${ACCOUNT}:user/ because no identity-based policy allows the iam:ListUsers action
$ aws iam list-roles --path-prefix /fn/ --profile ann
  ! AccessDenied: User: arn:aws:iam::${ACCOUNT}:user/team/ann is not authorized to perform: iam:ListRoles on resource: arn:aws:iam::${ACCOUNT}:role/fn/ because no identity-based policy allows the iam:ListRoles action
$ aws iam list-policies --profile ann
  ! AccessDenied: User: arn:aws:iam::${ACCOUNT}:user/team/ann is not authorized to perform: iam:ListPolicies on resource: policy path / because no identity-based policy allows the iam:ListPolicies action
$ aws iam list-instance-profiles --profile ann
  ! AccessDenied: User: arn:aws:iam::${ACCOUNT}:user/team/ann is not authorized to perform: iam:ListInstanceProfiles on resource: arn:aws:iam::${ACCOUNT}:instance-profile/ because no identity-based policy allows the iam:ListInstanceProfiles action
$ aws iam list-virtual-mfa-devices --profile ann
  ! AccessDenied: User: arn:aws:iam::${ACCOUNT}:user/team/ann is not authorized to perform: iam:ListVirtualMFADevices on resource: arn:aws:iam::${ACCOUNT}:mfa/ because no identity-based policy allows the iam:ListVirtualMFADevices action
$ aws iam get-account-summary --profile ann
  ! AccessDenied: User: arn:aws:iam::${ACCOUNT}:user/team/ann is not authorized to perform: iam:GetAccountSummary on resource: * because no identity-based policy allows the iam:GetAccountSummary action
$ aws iam put-user-policy --user-name ann --policy-name look --policy-document file://read-only.json
$ aws iam list-users --profile ann
  length(Users) = 2
$ aws iam list-access-keys --profile ann
  AccessKeyMetadata[].UserName = ["ann"]
$ aws iam get-user-policy --user-name ann --policy-name look
  UserName = "ann"
  PolicyDocument.Statement[0].Action = ["iam:Get*", "iam:List*"]
$ aws iam list-user-policies --user-name ann
  PolicyNames = ["look"]
$ aws iam put-user-policy --user-name ann --policy-name broken --policy-document {}
  ! MalformedPolicyDocument: Syntax errors in policy.…

# A boundary caps it, and is taken away again.
$ aws iam put-user-permissions-boundary --user-name ann --permissions-boundary arn:aws:iam::aws:policy/AWSLambda_ReadOnlyAccess
$ aws iam get-user --user-name ann
  User.PermissionsBoundary.PermissionsBoundaryArn = "arn:aws:iam::aws:policy/AWSLambda_ReadOnlyAccess"
$ aws iam list-groups --profile ann
  ! AccessDenied: User: arn:aws:iam::${ACCOUNT}:user/team/ann is not authorized to perform: iam:ListGroups on resource: arn:aws:iam::${ACCOUNT}:group/ because no permissions boundary allows the iam:ListGroups action
$ aws iam delete-user-permissions-boundary --user-name ann
$ aws iam list-groups --profile ann
  Groups = []

# So does a managed policy that is attached.
$ aws iam attach-user-policy --user-name bob --policy-arn arn:aws:iam::aws:policy/ReadOnlyAccess
$ aws iam list-attached-user-policies --user-name bob
  AttachedPolicies = [{"PolicyName": "ReadOnlyAccess", "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}]
$ aws iam delete-user --user-name bob
  ! DeleteConflict: Cannot delete entity, must detach all policies first.
$ aws iam detach-user-policy --user-name bob --policy-arn arn:aws:iam::aws:policy/ReadOnlyAccess
$ aws iam list-attached-user-policies --user-name bob
  AttachedPolicies = []
$ aws iam detach-user-policy --user-name bob --policy-arn arn:aws:iam::aws:policy/ReadOnlyAccess
  ! NoSuchEntity: Policy arn:aws:iam::aws:policy/ReadOnlyAccess was not found.

# Tags are added, replaced, listed and removed.
$ aws iam tag-user --user-name ann --tags Key=Team,Value=blue Key=Floor,Value=3
$ aws iam list-user-tags --user-name ann
  Tags[?Key=='Team'].Value = ["blue"]
  length(Tags) = 3
$ aws iam untag-user --user-name ann --tag-keys Team Cost
$ aws iam list-user-tags --user-name ann
  Tags = [{"Key": "Floor", "Value": "3"}]
$ aws iam tag-user --user-name ann --tags Key=aws:own,Value=x
  ! ValidationError: Tag keys beginning with aws: are reserved.

# A renamed user is the same user, with its key.
$ aws iam update-user --user-name ann --new-user-name anna --new-path /
$ aws iam get-user --user-name anna
  User.UserId = "${id}"
  User.Arn = "arn:aws:iam::${ACCOUNT}:user/anna"
$ aws sts get-caller-identity --profile ann
  Arn = "arn:aws:iam::${ACCOUNT}:user/anna"

# Nobody has a password, a certificate or a second factor, and the lists say so.
$ aws iam list-mfa-devices --user-name anna
  MFADevices = []
$ aws iam list-virtual-mfa-devices
  VirtualMFADevices = []
$ aws iam list-ssh-public-keys --user-name anna
  SSHPublicKeys = []
$ aws iam list-signing-certificates --user-name anna
  Certificates = []
$ aws iam list-service-specific-credentials --user-name anna
  ServiceSpecificCredentials = []
$ aws iam get-login-profile --user-name anna
  ! NoSuchEntity: Login Profile for User anna cannot be found.
$ aws iam delete-login-profile --user-name anna
  ! NoSuchEntity: Login Profile for User anna cannot be found.
$ aws iam create-login-profile --user-name anna --password Long-Enough-1
  ! UnsupportedOperation: …

# What is on a user goes before it.
$ aws iam delete-user --user-name anna
  ! DeleteConflict: Cannot delete entity, must delete policies first.
$ aws iam delete-user-policy --user-name anna --policy-name look
$ aws iam delete-user-policy --user-name anna --policy-name look
  ! NoSuchEntity: The user policy with name look cannot be found.
$ aws iam list-user-policies --user-name anna
  PolicyNames = []
$ aws iam delete-access-key --user-name anna --access-key-id ${key}
$ aws sts get-caller-identity --profile ann
  ! InvalidClientTokenId: The security token included in the request is invalid.
$ aws iam delete-user --user-name anna
$ aws iam delete-user --user-name bob
$ aws iam list-users
  Users = []
