//! The commands that mend denials, for calls that no server was asked about.

use portcullis_iam::explain::MissingGrant;
use portcullis_lambda::AddPermissionCommand;

/// `aws lambda add-permission …`, where one makes the grant.
pub(crate) fn command(grant: &MissingGrant) -> Option<String> {
    let command = AddPermissionCommand::for_statement(&grant.statement).ok()?;
    Some(command.to_string())
}
