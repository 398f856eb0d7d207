# Bearers of tokens: a provider of OpenID Connect, and a role for whoever its issuer names.

> trust.json
{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Principal": {"Federated": "arn:aws:iam::${ACCOUNT}:oidc-provider/${ISSUER}"},
   "Action": "sts:AssumeRoleWithWebIdentity",
   "Condition": {"StringEquals": {"${ISSUER}:aud": "app", "${ISSUER}:sub": "bob"}}}]}

$ aws iam create-open-id-connect-provider --url https://${ISSUER} --client-id-list one \
    --thumbprint-list abababababababababababababababababababab --tags Key=Team,Value=red
  OpenIDConnectProviderArn = "arn:aws:iam::${ACCOUNT}:oidc-provider/${ISSUER}"
  provider := OpenIDConnectProviderArn
$ aws iam create-open-id-connect-provider --url https://${ISSUER}
  ! EntityAlreadyExists: Provider with url https://${ISSUER} already exists.
$ aws iam create-open-id-connect-provider --url http://${ISSUER}
  ! ValidationError: …
$ aws iam list-open-id-connect-providers
  OpenIDConnectProviderList = [{"Arn": "${provider}"}]
$ aws iam create-role --role-name web --assume-role-policy-document file://trust.json
  Role.RoleName = "web"
  role := Role.Arn

# Whom the token is for must be known to the provider.
$ aws sts assume-role-with-web-identity --role-arn ${role} --role-session-name bob --web-identity-token file://token.jwt
  ! InvalidIdentityToken: Incorrect token audience
$ aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn ${provider} --client-id app
$ aws iam get-open-id-connect-provider --open-id-connect-provider-arn ${provider}
  Url = "${ISSUER}"
  sort(ClientIDList) = ["app", "one"]
  ThumbprintList = ["abababababababababababababababababababab"]
$ aws sts assume-role-with-web-identity --role-arn ${role} --role-session-name bob --web-identity-token file://token.jwt \
    --duration-seconds 900
  SubjectFromWebIdentityToken = "bob"
  [Audience, Provider] = ["app", "${provider}"]
  AssumedRoleUser.Arn = "arn:aws:sts::${ACCOUNT}:assumed-role/web/bob"

# A profile of the command line comes in the same way, without any key.
$ aws configure set role_arn ${role} --profile web
$ aws configure set web_identity_token_file token.jwt --profile web
$ aws configure set role_session_name night --profile web
$ aws sts get-caller-identity --profile web
  Arn = "arn:aws:sts::${ACCOUNT}:assumed-role/web/night"
$ aws iam list-users --profile web
  ! AccessDenied: User: arn:aws:sts::${ACCOUNT}:assumed-role/web/night is not authorized to perform: iam:ListUsers on resource: arn:aws:iam::${ACCOUNT}:user/ because no identity-based policy allows the iam:ListUsers action

# The provider changes and goes, and with it the way in.
$ aws iam remove-client-id-from-open-id-connect-provider --open-id-connect-provider-arn ${provider} --client-id one
$ aws iam update-open-id-connect-provider-thumbprint --open-id-connect-provider-arn ${provider} \
    --thumbprint-list cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd
$ aws iam tag-open-id-connect-provider --open-id-connect-provider-arn ${provider} --tags Key=Cost,Value=7
$ aws iam list-open-id-connect-provider-tags --open-id-connect-provider-arn ${provider}
  Tags = [{"Key": "Cost", "Value": "7"}, {"Key": "Team", "Value": "red"}]
$ aws iam untag-open-id-connect-provider --open-id-connect-provider-arn ${provider} --tag-keys Team
$ aws iam get-open-id-connect-provider --open-id-connect-provider-arn ${provider}
  ClientIDList = ["app"]
  ThumbprintList = ["cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"]
  Tags = [{"Key": "Cost", "Value": "7"}]
$ aws iam delete-open-id-connect-provider --open-id-connect-provider-arn ${provider}
$ aws iam get-open-id-connect-provider --open-id-connect-provider-arn ${provider}
  ! NoSuchEntity: OpenIDConnect Provider not found for arn ${provider}
$ aws sts assume-role-with-web-identity --role-arn ${role} --role-session-name bob --web-identity-token file://token.jwt
  ! InvalidIdentityToken: No OpenIDConnect provider found in your account for https://${ISSUER}
$ aws iam delete-role --role-name web
$ aws iam list-open-id-connect-providers
  OpenIDConnectProviderList = []
