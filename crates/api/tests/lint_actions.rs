//! What lint takes for Lambda's actions is what the API's operations are authorized by.

use std::collections::BTreeSet;

use portcullis_lambda::{LAMBDA_ACTIONS, applies_to_functions};
use portcullis_model::{LAMBDA, ResourceForm};

#[test]
fn the_actions_that_lint_knows_are_those_of_the_operations() {
    let operations = LAMBDA.operations.iter().filter_map(|one| one.authorization.as_ref());
    let mut actions: BTreeSet<&str> = operations.map(|one| one.action).collect();
    actions.insert("lambda:InvokeFunctionUrl"); // decided at a function's URL
    assert_eq!(actions, BTreeSet::from(LAMBDA_ACTIONS));
}

#[test]
fn the_actions_of_whole_policies_are_those_that_are_authorized_on_functions() {
    for row in LAMBDA.operations.iter().filter_map(|one| one.authorization.as_ref()) {
        let on_functions = matches!(
            row.resource,
            ResourceForm::Function
                | ResourceForm::QualifiedFunction
                | ResourceForm::FunctionAndCodeSigningConfig
                | ResourceForm::ArnInPath
        );
        assert_eq!(applies_to_functions(row.action), on_functions, "{}", row.action);
    }
}
