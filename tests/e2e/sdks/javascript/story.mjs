// The story of tests/e2e/test_sdks.py, told by the AWS SDK for JavaScript, version 3.
// Standard input: {"owner": KEY, "friend": KEY, "friendAccount", "name", "runtime", "zip" (base64)};
// KEY: {"key", "secret"}. Standard output: one JSON object.

import { readFileSync } from 'node:fs'
import { CreateRoleCommand, IAMClient, paginateListRoles } from '@aws-sdk/client-iam'
import {
  AddPermissionCommand,
  CreateFunctionCommand,
  DeleteFunctionCommand,
  InvokeCommand,
  LambdaClient,
  paginateListVersionsByFunction,
  PublishVersionCommand,
  RemovePermissionCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionActiveV2,
  waitUntilFunctionUpdatedV2,
} from '@aws-sdk/client-lambda'

const told = JSON.parse(readFileSync(0, 'utf8'))
const client = (Client, { key, secret }) =>
  new Client({ credentials: { accessKeyId: key, secretAccessKey: secret }, maxAttempts: 1 })
const owner = client(LambdaClient, told.owner)
const friend = client(LambdaClient, told.friend)
const iam = client(IAMClient, told.owner)
const FunctionName = told.name
const waiting = { client: owner, minDelay: 1, maxDelay: 1, maxWaitTime: 120 }

async function refusal(call) {
  try {
    await call
  } catch (error) {
    return { code: error.name, message: error.message, status: error.$metadata.httpStatusCode }
  }
  throw new Error('was not refused')
}

async function invoke(arn) {
  const answer = await friend.send(new InvokeCommand({ FunctionName: arn, Payload: '{"n":1}' }))
  return JSON.parse(Buffer.from(answer.Payload).toString())
}

const trust = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
}
const role = await iam.send(
  new CreateRoleCommand({ RoleName: FunctionName, AssumeRolePolicyDocument: JSON.stringify(trust) }),
)
const made = await owner.send(
  new CreateFunctionCommand({
    FunctionName,
    Role: role.Role.Arn,
    Runtime: told.runtime,
    Handler: 'main.handler',
    Code: { ZipFile: Buffer.from(told.zip, 'base64') },
  }),
)
const arn = made.FunctionArn
const active = await waitUntilFunctionActiveV2(waiting, { FunctionName })
const before = await refusal(invoke(arn))
const granted = await owner.send(
  new AddPermissionCommand({
    FunctionName,
    StatementId: 'friend',
    Action: 'lambda:InvokeFunction',
    Principal: told.friendAccount,
  }),
)
const again = await refusal(
  owner.send(
    new AddPermissionCommand({
      FunctionName,
      StatementId: 'friend',
      Action: 'lambda:InvokeFunction',
      Principal: told.friendAccount,
    }),
  ),
)
const answer = await invoke(arn)
await owner.send(new RemovePermissionCommand({ FunctionName, StatementId: 'friend' }))
const after = await refusal(invoke(arn))

for (const Timeout of [4, 5]) {
  await owner.send(new PublishVersionCommand({ FunctionName }))
  await owner.send(new UpdateFunctionConfigurationCommand({ FunctionName, Timeout }))
  await waitUntilFunctionUpdatedV2(waiting, { FunctionName })
}
const versions = []
for await (const page of paginateListVersionsByFunction({ client: owner, pageSize: 1 }, { FunctionName })) {
  versions.push(page.Versions.map(({ Version }) => Version))
}
let roles = 0
for await (const page of paginateListRoles({ client: iam, pageSize: 2 }, {})) {
  roles += page.Roles.filter(({ RoleName }) => RoleName === FunctionName).length
}
await owner.send(new DeleteFunctionCommand({ FunctionName }))
const gone = await refusal(owner.send(new DeleteFunctionCommand({ FunctionName })))
console.log(
  JSON.stringify({
    arn,
    active: active.state === 'SUCCESS',
    before,
    statement: JSON.parse(granted.Statement),
    again: again.code,
    answer,
    after,
    versions,
    roles,
    gone: gone.code,
  }),
)
