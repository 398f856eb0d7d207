# In a closed account nobody does anything any more.

$ aws organizations create-organization
  Organization.MasterAccountId = "${ACCOUNT}"
$ aws organizations create-account --account-name old --email old-${ACCOUNT}@x.example
  old := CreateAccountStatus.AccountId
$ aws configure set role_arn arn:aws:iam::${old}:role/OrganizationAccountAccessRole --profile old
$ aws configure set credential_source Environment --profile old
$ aws iam create-user --user-name ann --profile old
  User.Arn = "arn:aws:iam::${old}:user/ann"
$ aws organizations close-account --account-id ${ACCOUNT}
  ! ConstraintViolationException: …
$ aws organizations close-account --account-id ${old}
$ aws iam list-users --profile old
  ! AccessDenied: …
$ aws organizations describe-account --account-id ${old}
  Account.Status = "SUSPENDED"
$ aws organizations close-account --account-id ${old}
  ! AccountAlreadyClosedException: You attempted to close an account that is already closed.
