//! IAM `ListAccountAliases`: the alias of the caller's account; there is one at most.

use portcullis_model::iam::{
    operation::ListAccountAliases,
    types::{ListAccountAliasesInput, ListAccountAliasesOutput},
};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::iam::Paging};

pub(crate) async fn list_account_aliases(
    cx: &RequestCx<'_>,
    input: ListAccountAliasesInput,
) -> Result<Answer<ListAccountAliasesOutput>, ApiError> {
    let permit = cx.whole_account::<ListAccountAliases>()?;
    let Paging { after, .. } = Paging::new(input.marker.as_deref(), input.max_items)?;
    let alias = cx.snapshot.list_account_aliases(permit);
    let alias = alias.map(|alias| alias.to_string()).filter(|alias| *alias > after);
    Ok(Answer::Output(ListAccountAliasesOutput {
        account_aliases: alias.into_iter().collect(),
        is_truncated: Some(false),
        marker: None,
    }))
}
