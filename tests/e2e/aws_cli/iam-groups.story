# Groups: members, policies, and what a member may by them.

> list-users.json
{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*"}}

$ aws iam create-group --group-name admins --path /team/
  Group.Arn = "arn:aws:iam::${ACCOUNT}:group/team/admins"
  id := Group.GroupId
$ aws iam create-group --group-name ADMINS
  ! EntityAlreadyExists: Group with name ADMINS already exists.
$ aws iam create-group --group-name others
  Group.Path = "/"
$ aws iam list-groups
  Groups[].GroupName = ["admins", "others"]
$ aws iam list-groups --path-prefix /team/ --page-size 1
  Groups[].GroupId = ["${id}"]
$ aws iam create-user --user-name ann
  User.UserName = "ann"
$ aws iam create-access-key --user-name ann
  key := AccessKey.AccessKeyId
  secret := AccessKey.SecretAccessKey
$ aws configure set aws_access_key_id ${key} --profile ann
$ aws configure set aws_secret_access_key ${secret} --profile ann

# Members.
$ aws iam add-user-to-group --group-name admins --user-name ann
$ aws iam add-user-to-group --group-name others --user-name ann
$ aws iam add-user-to-group --group-name nowhere --user-name ann
  ! NoSuchEntity: The group with name nowhere cannot be found.
$ aws iam get-group --group-name admins
  Group.GroupId = "${id}"
  Users[].UserName = ["ann"]
$ aws iam list-groups-for-user --user-name ann
  Groups[].GroupName = ["admins", "others"]
$ aws iam delete-user --user-name ann
  ! DeleteConflict: Cannot delete entity, must …
$ aws iam remove-user-from-group --group-name others --user-name ann
$ aws iam list-groups-for-user --user-name ann
  Groups[].GroupName = ["admins"]

# A policy of the group's own decides what its member may, until it is gone.
$ aws iam put-group-policy --group-name admins --policy-name look --policy-document file://list-users.json
$ aws iam list-users --profile ann
  Users[].UserName = ["ann"]
$ aws iam get-group-policy --group-name admins --policy-name look
  PolicyDocument.Statement.Action = "iam:ListUsers"
$ aws iam list-group-policies --group-name admins
  PolicyNames = ["look"]
$ aws iam delete-group-policy --group-name admins --policy-name look
$ aws iam list-group-policies --group-name admins
  PolicyNames = []
$ aws iam get-group-policy --group-name admins --policy-name look
  ! NoSuchEntity: The group policy with name look cannot be found.
$ aws iam list-users --profile ann
  ! AccessDenied: …

# So does an attached one.
$ aws iam attach-group-policy --group-name admins --policy-arn arn:aws:iam::aws:policy/IAMReadOnlyAccess
$ aws iam list-users --profile ann
  length(Users) = 1
$ aws iam list-attached-group-policies --group-name admins
  AttachedPolicies[].PolicyName = ["IAMReadOnlyAccess"]
$ aws iam delete-group --group-name admins
  ! DeleteConflict: Cannot delete entity, must …
$ aws iam detach-group-policy --group-name admins --policy-arn arn:aws:iam::aws:policy/IAMReadOnlyAccess
$ aws iam list-attached-group-policies --group-name admins
  AttachedPolicies = []
$ aws iam list-users --profile ann
  ! AccessDenied: …

# A renamed group keeps its members.
$ aws iam update-group --group-name admins --new-group-name owners --new-path /
$ aws iam get-group --group-name owners
  Group.Arn = "arn:aws:iam::${ACCOUNT}:group/owners"
  Group.GroupId = "${id}"
  Users[].UserName = ["ann"]
$ aws iam remove-user-from-group --group-name owners --user-name ann
$ aws iam delete-group --group-name owners
$ aws iam delete-group --group-name others
$ aws iam delete-group --group-name others
  ! NoSuchEntity: The group with name others cannot be found.
$ aws iam list-groups
  Groups = []
$ aws iam delete-access-key --user-name ann --access-key-id ${key}
$ aws iam delete-user --user-name ann
