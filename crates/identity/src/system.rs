use backstay_model::SourceFile;

/// Prefix of the names of Backstay's own types; applications do not use it.
pub(crate) const PREFIX: &str = "Backstay";

/// The model of operators, credentials, sessions, keys and invitations, as GraphQL, to be loaded as a system file along
/// with the application's. `identity_type` is the name of the type that is marked `@identity`; without one there are no
/// accounts, but operators and keys.
pub fn system_model(identity_type: Option<&str>) -> SourceFile {
    let account = identity_type.map_or(String::new(), |name| {
        format!("  \"The account that this is the credential of.\"\n  account: {name} @unique @onDelete(do: CASCADE)\n")
    });
    SourceFile::system("backstay/identity.graphql", TEXT.replace("  #account\n", &account))
}

const TEXT: &str = r#""Somebody who runs this Backstay."
type BackstayOperator @allow(read: "auth.kind == 'OPERATOR'") {
  email: Email! @unique @class(is: PERSONAL)
}

"What an account or an operator signs in with, and what it may do. An account without one cannot sign in."
type BackstayCredential @allow(read: "auth.kind == 'OPERATOR'") {
  #account
  "The operator that this is the credential of."
  operator: BackstayOperator @unique @onDelete(do: CASCADE)
  "Argon2id in the PHC string format; none until a password is set."
  passwordHash: String @class(is: SECRET)
  "Names of values of the model's roles."
  roles: [String!]!
  "Texts by name, for rules: auth.claims.x."
  claims: JSON
  "Neither passwords nor sessions are taken."
  disabled: Boolean!
}

"A credential that was shown, and is remembered until it expires."
type BackstaySession @allow(read: "auth.kind == 'OPERATOR'") {
  "SHA-256 of the token."
  tokenHash: String! @unique @class(is: SECRET)
  credential: BackstayCredential! @onDelete(do: CASCADE)
  expiresAt: DateTime!
}

"A key with which a program calls."
type BackstayKey @allow(read: "auth.kind == 'OPERATOR'") {
  name: String! @check(rule: "size(this.name) >= 1 && size(this.name) <= 80", message: "1 to 80 characters")
  "The name until the key is revoked, so that another can then have it."
  liveName: String @unique
  "SHA-256 of the key."
  keyHash: String! @unique @class(is: SECRET)
  roles: [String!]!
  claims: JSON
  "It does not expire without one."
  expiresAt: DateTime
  revokedAt: DateTime
}

"The right to make one account with this e-mail address."
type BackstayInvitation @allow(read: "auth.kind == 'OPERATOR'") {
  email: Email! @class(is: PERSONAL)
  "SHA-256 of the token."
  tokenHash: String! @unique @class(is: SECRET)
  "What the account may do from the start."
  roles: [String!]!
  expiresAt: DateTime!
  usedAt: DateTime
}
"#;

#[cfg(test)]
mod tests {
    use backstay_model::{Class, SourceFile, load};

    use super::system_model;

    /// No type and no field of Backstay's own is without a policy: operators read them, nobody writes them through a
    /// door, and what a credential is recognised by is secret.
    #[test]
    fn every_own_type_has_a_policy() {
        let app = "extend schema @app(name: \"A\")\n\
                   type User @identity @allow(read: \"true\") { email: Email! @unique }\n";
        let files = vec![SourceFile::app("a.graphql", app), system_model(Some("User"))];
        let model = load(files).expect("the model loads").model;
        for collection in model.collections.iter().filter(|collection| collection.system) {
            let allow = &collection.allow;
            let read = allow.read.as_ref().map(|rule| rule.text.to_string());
            assert_eq!(read.as_deref(), Some("auth.kind == 'OPERATOR'"), "{}", collection.name);
            let writes = [&allow.create, &allow.update, &allow.delete];
            assert!(writes.iter().all(|rule| rule.is_none()), "{} is written by clients", collection.name);
            for field in collection.fields.iter().filter(|field| field.name.ends_with("Hash")) {
                assert_eq!(field.class, Some(Class::Secret), "{}.{}", collection.name, field.name);
            }
        }
    }
}
