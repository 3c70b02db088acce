use backstay_base::Error;
use backstay_engine::Engine;

use crate::Failure;

/// The failure of a command that names roles. If the model does not have one of them, it lists those that it has.
pub(super) fn failure(engine: &Engine, roles: &[String], error: Error) -> Failure {
    let known = known(engine);
    if matches!(error, Error::Invalid(_)) && roles.iter().any(|role| !known.contains(&role.as_str())) {
        return Failure::Role { error, help: listed(&known) };
    }
    error.into()
}

/// The same for `role grant` and `role revoke`, whose two arguments may have been exchanged.
pub(super) fn failure_of_pair(engine: &Engine, verb: &str, (account, role): (&str, &str), error: Error) -> Failure {
    let known = known(engine);
    if !known.contains(&role) && (known.contains(&account) || (role.contains('@') && !account.contains('@'))) {
        let help = format!("name the account before the role: `backstay role {verb} {role} {account}`");
        return Failure::Role { error, help };
    }
    match failure(engine, &[role.to_owned()], error) {
        Failure::Role { error, help } => {
            Failure::Role { error, help: format!("{help}; usage: `backstay role {verb} ACCOUNT ROLE`") }
        }
        other => other,
    }
}

fn known(engine: &Engine) -> Vec<&str> {
    let model = engine.model();
    let values = model.roles.map_or(&[][..], |id| &model.enumeration(id).values);
    values.iter().map(|value| &*value.name).collect()
}

fn listed(known: &[&str]) -> String {
    match known {
        [] => "the model declares no roles; declare them in an enum with @roles".to_owned(),
        _ => format!("the model's roles are {}", known.join(", ")),
    }
}
