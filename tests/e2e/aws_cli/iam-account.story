# The account as a whole: its alias, its numbers, everything in it, and what would be allowed.

> own.json
{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::photos/${aws:username}/*"}]}

> trust.json
{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}

$ aws iam create-account-alias --account-alias company-${ACCOUNT}
$ aws iam list-account-aliases
  AccountAliases = ["company-${ACCOUNT}"]
$ aws iam create-account-alias --account-alias Company
  ! ValidationError: …
$ aws iam delete-account-alias --account-alias other-${ACCOUNT}
  ! NoSuchEntity: The account alias with name other-${ACCOUNT} cannot be found.
$ aws iam delete-account-alias --account-alias company-${ACCOUNT}
$ aws iam list-account-aliases
  AccountAliases = []

$ aws iam get-account-summary
  SummaryMap.[Users, Groups, Roles, Policies, AccessKeysPerUserQuota] = [0, 0, 0, 0, 2]
$ aws iam create-user --user-name ann --tags Key=Team,Value=red
  User.UserName = "ann"
  user := User.Arn
$ aws iam put-user-policy --user-name ann --policy-name own --policy-document file://own.json
$ aws iam create-group --group-name team
  Group.GroupName = "team"
$ aws iam add-user-to-group --group-name team --user-name ann
$ aws iam attach-group-policy --group-name team --policy-arn arn:aws:iam::aws:policy/AWSLambda_ReadOnlyAccess
$ aws iam create-role --role-name runner --assume-role-policy-document file://trust.json
  Role.RoleName = "runner"
$ aws iam get-account-summary
  SummaryMap.[Users, Groups, Roles, Policies] = [1, 1, 1, 0]
$ aws iam get-account-authorization-details
  UserDetailList[].[UserName, GroupList] = [["ann", ["team"]]]
  UserDetailList[].UserPolicyList[].PolicyDocument.Statement[].Action = ["s3:GetObject"]
  GroupDetailList[].AttachedManagedPolicies[].PolicyName = ["AWSLambda_ReadOnlyAccess"]
  RoleDetailList[].RoleName = ["runner"]
  Policies[].PolicyName = ["AWSLambda_ReadOnlyAccess"]
$ aws iam get-account-authorization-details --filter User --page-size 1
  UserDetailList[].Tags = [[{"Key": "Team", "Value": "red"}]]
  RoleDetailList = []

# What would be allowed, and which keys it hangs on.
$ aws iam simulate-principal-policy --policy-source-arn ${user} --action-names s3:GetObject lambda:GetFunction s3:PutObject \
    --resource-arns arn:aws:s3:::photos/ann/1.jpg
  EvaluationResults[].[EvalActionName, EvalDecision] = [["s3:GetObject", "allowed"], ["lambda:GetFunction", "allowed"], ["s3:PutObject", "implicitDeny"]]
$ aws iam simulate-principal-policy --policy-source-arn ${user} --action-names s3:GetObject --resource-arns arn:aws:s3:::photos/bob/1.jpg
  EvaluationResults[].EvalDecision = ["implicitDeny"]
$ aws iam simulate-principal-policy --policy-source-arn arn:aws:iam::${ACCOUNT}:user/nobody --action-names s3:GetObject
  ! NoSuchEntity: The user with name nobody cannot be found.
$ aws iam simulate-custom-policy --policy-input-list '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::photos/${aws:username}/*"}}' \
    --action-names s3:GetObject --resource-arns arn:aws:s3:::photos/bob/1.jpg --context-entries ContextKeyName=aws:username,ContextKeyType=string,ContextKeyValues=bob
  EvaluationResults[].[EvalDecision, MissingContextValues] = [["allowed", []]]
$ aws iam simulate-custom-policy --policy-input-list '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::photos/${aws:username}/*"}}' \
    --action-names s3:GetObject
  EvaluationResults[].[EvalDecision, MissingContextValues] = [["implicitDeny", ["aws:username"]]]
$ aws iam simulate-custom-policy --policy-input-list nonsense --action-names s3:GetObject
  ! InvalidInput: …
$ aws iam get-context-keys-for-custom-policy --policy-input-list '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::photos/${aws:username}/*"}}'
  ContextKeyNames = ["aws:username"]
$ aws iam get-context-keys-for-principal-policy --policy-source-arn ${user}
  ContextKeyNames = ["aws:username"]
$ aws iam get-context-keys-for-principal-policy --policy-source-arn arn:aws:iam::${ACCOUNT}:policy/p
  ! InvalidInput: Invalid Entity Arn: arn:aws:iam::${ACCOUNT}:policy/p does not clearly define entity type and name.

$ aws iam remove-user-from-group --group-name team --user-name ann
$ aws iam detach-group-policy --group-name team --policy-arn arn:aws:iam::aws:policy/AWSLambda_ReadOnlyAccess
$ aws iam delete-group --group-name team
$ aws iam delete-user-policy --user-name ann --policy-name own
$ aws iam delete-user --user-name ann
$ aws iam delete-role --role-name runner
$ aws iam get-account-summary
  SummaryMap.[Users, Groups, Roles, Policies] = [0, 0, 0, 0]
