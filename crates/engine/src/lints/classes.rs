use backstay_model::{Class, Collection, Diagnostic, Element, Field, FieldKind, Lint};
use backstay_scalar::Scalar;

use super::Subject;

/// Fields without a class whose name or scalar says that they hold something confidential.
pub(super) fn unclassified(subject: Subject<'_>) -> Vec<Diagnostic> {
    let fields = subject.collections().flat_map(|collection| {
        // Of an embedded value, whose members may have classes of their own.
        let is_open =
            |field: &&Field| field.class.is_none() && collection.parts(field.id).all(|part| part.class.is_none());
        let open = collection.fields.iter().filter(|field| field.kind.is_held()).filter(is_open);
        open.map(move |field| (collection, field))
    });
    fields.filter_map(|(collection, field)| finding(collection, field)).collect()
}

fn finding(collection: &Collection, field: &Field) -> Option<Diagnostic> {
    let (class, because) = match named(field) {
        Some(class) => (class, "its name"),
        None if matches!(field.kind.scalar(), Some(Scalar::Email | Scalar::Phone)) => (Class::Personal, "its scalar"),
        None => return None,
    };
    let word = class.word();
    let about = match class {
        Class::Personal => "personal data",
        Class::Medical => "data about somebody's health",
        Class::Card => "a payment card's number",
        Class::Secret => "a secret",
    };
    let effect = match class {
        Class::Secret => "it is then never returned, logged or shown in explanations",
        Class::Personal | Class::Medical | Class::Card => {
            "its values then stay out of the commit log and of explanations"
        }
    };
    let message = format!("`{}.{}` holds {about}, judging by {because}, and has no class", collection.name, field.name);
    let help = format!("write `@class(is: {word})`; {effect}");
    Some(Diagnostic::warning(Lint::Unclassified, message).at(field.span, "without `@class`").help(help))
}

/// Names of one class, and which fields they are meaningful for.
struct Vocabulary {
    class: Class,
    fits: fn(&FieldKind) -> bool,
    names: &'static [&'static str],
}

/// In the order in which they are compared. A name is one or more whole words.
const VOCABULARIES: [Vocabulary; 5] = [
    Vocabulary {
        class: Class::Secret,
        fits: is_text,
        names: &["password", "passwd", "passphrase", "secret", "token", "api_key", "private_key", "access_key"],
    },
    Vocabulary { class: Class::Card, fits: is_text, names: &["card", "pan", "cvv", "cvc"] },
    Vocabulary {
        class: Class::Medical,
        fits: is_medical,
        names: &[
            "medical",
            "health",
            "diagnosis",
            "diagnose",
            "disease",
            "illness",
            "symptom",
            "medication",
            "prescription",
            "allergy",
            "allergie",
            "blood_type",
            "blood_group",
            "blood_pressure",
            "disability",
            "disabilitie",
            "vaccination",
            "pregnant",
        ],
    },
    Vocabulary {
        class: Class::Personal,
        fits: is_date,
        names: &["birth", "birthday", "birthdate", "birthyear", "dob", "born"],
    },
    Vocabulary {
        class: Class::Personal,
        fits: is_personal,
        names: &[
            "email",
            "e_mail",
            "phone",
            "telephone",
            "mobile",
            "fax",
            "address",
            "street",
            "postcode",
            "postal_code",
            "zip_code",
            "iban",
            "ssn",
            "social_security",
            "passport",
            "national_id",
            "tax_id",
            "first_name",
            "last_name",
            "full_name",
            "given_name",
            "family_name",
            "maiden_name",
            "middle_name",
            "surname",
            "nationality",
            "gender",
            "religion",
            "ethnicity",
        ],
    },
];

/// Last words of names that say something about what the other words name, such as `emailTemplate`.
const ABOUT: &[&str] =
    &["count", "format", "hint", "kind", "label", "length", "policy", "status", "subject", "template", "title", "type"];

/// The class that a field's name suggests.
fn named(field: &Field) -> Option<Class> {
    let name = &field.own_words();
    let is_called = |called: &&str| {
        ["", "s", "es"].iter().any(|plural| {
            let words = format!("_{called}{plural}_");
            let whole = format!("_{name}_");
            let is_about = name.rsplit('_').next().is_some_and(|last| ABOUT.contains(&last));
            whole.ends_with(&words) || (whole.contains(&words) && !is_about)
        })
    };
    let is_embedded = matches!(field.kind, FieldKind::Embedded(_));
    let fits = |words: &Vocabulary| (words.fits)(&field.kind) || is_embedded && words.class != Class::Secret;
    let holds = |words: &&Vocabulary| fits(words) && words.names.iter().any(is_called);
    VOCABULARIES.iter().find(holds).map(|words| words.class)
}

fn is_text(kind: &FieldKind) -> bool {
    matches!(kind.scalar(), Some(Scalar::String | Scalar::Text | Scalar::Bytes | Scalar::Json))
}

fn is_enum(kind: &FieldKind) -> bool {
    matches!(kind, FieldKind::Enum(_) | FieldKind::List(Element::Enum(_)))
}

fn is_personal(kind: &FieldKind) -> bool {
    is_text(kind) || matches!(kind.scalar(), Some(Scalar::Email | Scalar::Phone | Scalar::Int | Scalar::Country))
}

fn is_medical(kind: &FieldKind) -> bool {
    let is_measured =
        matches!(kind.scalar(), Some(Scalar::Boolean | Scalar::Int | Scalar::Float | Scalar::Decimal { .. }));
    is_text(kind) || is_enum(kind) || is_measured
}

fn is_date(kind: &FieldKind) -> bool {
    is_text(kind) || matches!(kind.scalar(), Some(Scalar::Date | Scalar::DateTime | Scalar::Int))
}
