use backstay_model::SourceFile;

/// Prefix of the names of Backstay's own types, which applications cannot use.
pub(crate) const PREFIX: &str = "Backstay";

/// The model of operators, credentials, sessions, keys, invitations and links, to be loaded as a system file beside the
/// application's files. `identity_type` is the name of the type that is marked `@identity`; without one there are
/// operators and keys, but no accounts.
pub fn system_model(identity_type: Option<&str>) -> SourceFile {
    let account = identity_type.map_or(String::new(), |name| {
        format!("  \"The account that signs in with it.\"\n  account: {name} @unique @onDelete(do: CASCADE)\n")
    });
    let maker = identity_type.map_or(String::new(), |name| {
        format!("  \"The account that made it, if one did.\"\n  account: {name} @onDelete(do: CASCADE)\n")
    });
    let text = TEXT.replace("  #account\n", &account).replace("  #maker\n", &maker);
    SourceFile::system("backstay/identity.graphql", text)
}

const TEXT: &str = r#""A person who runs this Backstay."
type BackstayOperator @allow(read: "auth.kind == 'OPERATOR'") {
  email: Email! @unique @class(is: PERSONAL)
}

"How an account or an operator signs in, and which roles and claims it then has. Without one it cannot sign in."
type BackstayCredential @allow(read: "auth.kind == 'OPERATOR'") {
  #account
  "The operator who signs in with it."
  operator: BackstayOperator @unique @onDelete(do: CASCADE)
  "Argon2id in the PHC string format; null until a password is set."
  passwordHash: String @class(is: SECRET)
  "Names of roles of the model."
  roles: [String!]! @names(of: ROLES)
  "Texts by name, for rules: auth.claims.NAME."
  claims: JSON
  "The address that is known to be the account holder's, and since when: the account is verified as long as it has this address."
  verifiedEmail: Email @class(is: PERSONAL)
  verifiedAt: DateTime
  "Whether its password and its sessions are refused."
  disabled: Boolean!
}

"A signed-in client, until the session expires or is ended."
type BackstaySession @allow(read: "auth.kind == 'OPERATOR'") {
  "SHA-256 of the token."
  tokenHash: String! @unique @class(is: SECRET)
  credential: BackstayCredential! @onDelete(do: CASCADE)
  expiresAt: DateTime!
}

"An API key, with which a program calls."
type BackstayKey @allow(read: "auth.kind == 'OPERATOR'") {
  name: String! @check(rule: "size(this.name) >= 1 && size(this.name) <= 80", message: "1 to 80 characters")
  "The name until the key is revoked, so that a new key can then take it."
  liveName: String @unique
  "SHA-256 of the key."
  keyHash: String! @unique @class(is: SECRET)
  roles: [String!]! @names(of: ROLES)
  claims: JSON
  "What the key is limited to, each as TYPE:ACTION; null if nothing but the rules limits it."
  grantedActions: [String!] @names(of: TYPES)
  "Null if it never expires."
  expiresAt: DateTime
  revokedAt: DateTime
}

"The right to make one account with this email address."
type BackstayInvitation @allow(read: "auth.kind == 'OPERATOR'") {
  email: Email! @class(is: PERSONAL)
  "SHA-256 of the token."
  tokenHash: String! @unique @class(is: SECRET)
  "The roles of the account."
  roles: [String!]! @names(of: ROLES)
  expiresAt: DateTime!
  usedAt: DateTime
}

"A secret link: rules know who shows its token by auth.link."
type BackstayLink @allow(read: "auth.kind == 'OPERATOR'") @index(fields: ["expiresAt"]) {
  "SHA-256 of the token."
  tokenHash: String! @unique @class(is: SECRET)
  #maker
  expiresAt: DateTime!
}
"#;

#[cfg(test)]
mod tests {
    use backstay_base::Action;
    use backstay_model::{Class, SourceFile, load};

    use super::system_model;

    /// Operators read every type of Backstay's own, no client writes one, and every hash is secret.
    #[test]
    fn every_own_type_has_a_policy() {
        let app = "extend schema @app(name: \"A\")\n\
                   type User @identity @allow(read: \"true\") { email: Email! @unique }\n";
        let files = vec![SourceFile::app("a.graphql", app), system_model(Some("User"))];
        let model = load(files).expect("the model loads").model;
        for collection in model.collections.iter().filter(|collection| collection.system) {
            let [layer] = collection.allow.as_slice() else { panic!("{} has one owner", collection.name) };
            let [allow] = layer.clauses.as_slice() else { panic!("{} has one clause", collection.name) };
            let read = allow.read.as_ref().map(|rule| rule.text.to_string());
            assert_eq!(read.as_deref(), Some("auth.kind == 'OPERATOR'"), "{}", collection.name);
            let writes = [Action::Create, Action::Update, Action::Delete];
            assert!(!writes.iter().any(|action| allow.is_about(*action)), "{} is written by clients", collection.name);
            for field in collection.fields.iter().filter(|field| field.name.ends_with("Hash")) {
                assert_eq!(field.class, Some(Class::Secret), "{}.{}", collection.name, field.name);
            }
        }
    }
}
