//! What lint takes for Lambda's actions is what the API's operations are authorized by.

use std::collections::BTreeSet;

use portcullis_lambda::LAMBDA_ACTIONS;
use portcullis_model::LAMBDA;

#[test]
fn the_actions_that_lint_knows_are_those_of_the_operations() {
    let operations = LAMBDA.operations.iter().filter_map(|one| one.authorization.as_ref());
    let mut actions: BTreeSet<&str> = operations.map(|one| one.action).collect();
    actions.insert("lambda:InvokeFunctionUrl"); // decided at a function's URL
    assert_eq!(actions, BTreeSet::from(LAMBDA_ACTIONS));
}
