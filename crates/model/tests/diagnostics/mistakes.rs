//! Mistakes that beginners make: each is reported once, without what follows from it.

use backstay_model::{SourceFile, load};

/// Checks the diagnostics of a model: where each is, what is wrong, and what to do.
fn check(model: &str, expected: &[(&str, &str, &str)]) {
    let app = SourceFile::app("app.graphql", "extend schema @app(name: \"Test\")\n");
    let diagnostics = load(vec![app, SourceFile::app("model.graphql", model)]).expect_err(model);
    let plain = diagnostics.plain();
    let place = |at: &backstay_model::PlainDiagnostic| at.start.map(|at| format!("{}:{}", at.line, at.column));
    let found: Vec<(String, &str, &str)> = plain
        .iter()
        .map(|one| (place(one).unwrap_or_default(), one.message.as_str(), one.help.as_deref().unwrap_or_default()))
        .collect();
    let found: Vec<(&str, &str, &str)> =
        found.iter().map(|(at, message, help)| (at.as_str(), *message, *help)).collect();
    assert_eq!(found, expected, "{model}");
}

/// Checks the diagnostics of a type Post with these fields; the first of them is in line 2.
fn check_fields(fields: &str, expected: &[(&str, &str, &str)]) {
    check(
        &format!(
            "type Post @allow(read: \"true\") {{\n{fields}\n}}\ntype User @allow(read: \"true\") {{ name: String }}\n"
        ),
        expected,
    );
}

/// The warnings about a type Post with these fields.
fn check_warning(fields: &str) -> Vec<String> {
    let app = SourceFile::app("app.graphql", "extend schema @app(name: \"Test\")\n");
    let user = "type User @allow(read: \"true\") { name: String }";
    let model = format!("type Post @allow(read: \"true\") {{\n{fields}\n}}\n{user}\n");
    let loaded = load(vec![app, SourceFile::app("model.graphql", model)]).expect("a model");
    let told =
        |one: &backstay_model::PlainDiagnostic| format!("{}: {}", one.message, one.help.as_deref().unwrap_or_default());
    loaded.warnings.plain().iter().map(told).collect()
}

#[test]
fn brackets_that_are_not_closed() {
    let close = "close the definition before it with `}`";
    check(
        "type Post @allow(read: \"true\") {\n  title: String!\n\ntype Tag @allow(read: \"true\") {\n  name: String!\n}\n",
        &[("4:1", "`}` is missing before `type Tag`", close)],
    );
    check(
        "enum State {\n  DRAFT\n  DONE\n\ntype Tag @allow(read: \"true\") {\n  name: String!\n}\n",
        &[("5:1", "`}` is missing before `type Tag`", close)],
    );
    check(
        "type Post @allow(read: \"true\") {\n  title: String!\n\nenum State { A B }\n",
        &[("4:1", "`}` is missing before `enum State`", close)],
    );
    check(
        "type Post {\n  title: String!\n",
        &[("2:17", "the file ends before `}`", "write `}` where the bracket ends")],
    );
    check(
        "type Post @allow(read: \"true\" {\n  title: String!\n}\n",
        &[("1:31", "`)` is missing before `{`", "write `)` before it")],
    );
    check_fields("  tags: [String!\n  body: Text", &[("3:3", "`]` is missing before `body`", "write `]` before it")]);
    check(
        "type Post @allow(read: \"true\")\n  title: String!\n}\n",
        &[("2:3", "`{` is missing before `title`", "write the fields of a type between `{` and `}`")],
    );
    check(
        "type Post {\n  title: String!\n}\n}\n",
        &[("4:1", "`}` closes nothing", "remove it, or write the bracket that opens what it ends")],
    );
}

#[test]
fn a_field_may_be_called_as_a_definition_begins() {
    check_fields("  type String!", &[("2:8", "`:` is missing after `type`", "write `type: String`")]);
}

#[test]
fn texts_and_their_quotes() {
    let close = r#"close it with `"`; put a multi-line string between `"""` and `"""`"#;
    let inner = r#"within a rule, put strings in single quotes, such as 'DRAFT'; `\"` is a quote within a text"#;
    check(
        "type Post @allow(read: \"true) {\n  title: String!\n}\ntype Tag @allow(read: \"true\") {\n  name: String\n}\n",
        &[("1:24", "the text has no closing quote on its line", close)],
    );
    check(
        "type Post @allow(read: \"this.title == \"x\"\") {\n  title: String!\n}\n",
        &[("1:39", "the text ends before `x`", inner)],
    );
    check(
        "type Post @allow(read: \"this.state == \"IN REVIEW\" || true\", create: \"true\") {\n  title: String!\n}\n",
        &[("1:39", "the text ends before `IN`", inner)],
    );
    check(
        "type Post @allow(read: \"true, create: \"true\") {\n  title: String!\n}\n",
        &[("1:39", "the text ends before `true`", "a quote is missing or one too many on this line")],
    );
    check(
        "type Post @allow(read: 'true') {\n  title: String!\n}\n",
        &[(
            "1:24",
            "`'` does not begin a text",
            "put strings in double quotes, such as \"true\"; within a rule, use single quotes: '…'",
        )],
    );
}

#[test]
fn signs_of_other_languages() {
    check("// a post\ntype Post { a: Int }\n", &[("1:1", "`//` does not begin a comment", "begin a comment with `#`")]);
    check_fields(
        "  title: String!;\n  n: Int;",
        &[("2:17", "unexpected `;`", "remove it; a field ends with its line")],
    );
    check_fields(
        "  title?: String",
        &[("2:8", "unexpected `?`", "remove it; a field can be null unless its type ends with `!`, such as `String!`")],
    );
    check_fields("  title: String!!", &[("2:17", "`!` is written twice", "write it once")]);
    check_fields("  title: !String", &[("2:10", "`!` stands before the type", "write `String!`")]);
    check_fields("  n: Int = 3", &[("2:10", "unexpected `=`", "write a default as `@default(to: 3)`")]);
    check_fields("  title String!", &[("2:9", "`:` is missing after `title`", "write `title: String`")]);
    check_fields("  n: Int @default(3)", &[("2:19", "an argument needs its name", "write `@default(to: 3)`")]);
    check_fields("  n: Int @default(to = 3)", &[("2:22", "unexpected `=`", "write `to: …`")]);
    check("model Post {\n  title: String\n}\n", &[("1:1", "`model` does not begin a definition", "write `type Post`")]);
    check("Type Post {\n  title: String\n}\n", &[("1:1", "`Type` does not begin a definition", "write `type Post`")]);
    check(
        "enum State {\n  in-review\n}\n",
        &[("2:5", "a name cannot hold `-`", "use the letters a to z, digits and `_`")],
    );
    check("enum Answer { true }\n", &[("1:15", "a value of an enum cannot be called `true`", "give it another name")]);
    check("type Post {\n  ä: Int\n}\n", &[("2:3", "a name cannot hold `ä`", "use the letters a to z, digits and `_`")]);
}

#[test]
fn signs_that_are_left_out() {
    check_fields("  title: String unique", &[("2:17", "`@` is missing before `unique`", "write `@unique`")]);
    check_fields("  n: Int unique @readonly", &[("2:10", "`@` is missing before `unique`", "write `@unique`")]);
    check_fields("  n: Int default(to: 3)", &[("2:10", "`@` is missing before `default`", "write `@default`")]);
    check(
        "type Post allow(read: \"true\") {\n  a: Int\n}\n",
        &[("1:11", "`@` is missing before `allow`", "write `@allow`")],
    );
    check_fields("  n: Int @default to: 3", &[("2:23", "`(` is missing after `@default`", "write `@default(to: …)`")]);
    check_fields("  n: Int @default(to 3)", &[("2:22", "`:` is missing after `to`", "write `to: 3`")]);
    check_fields("  tags [String!]", &[("2:8", "`:` is missing after `tags`", "write `tags: […]`")]);
    check(
        "type Post @index(fields: [\"a\") {\n  a: Int\n}\n",
        &[("1:30", "`]` is missing before `)`", "write `]` before it")],
    );
    check(
        "enum State\n  DRAFT\n}\n",
        &[("2:3", "`{` is missing before `DRAFT`", "write the values of an enum between `{` and `}`")],
    );
}

#[test]
fn rules_without_quotes() {
    let quotes = "put strings and rules in double quotes: `read: \"…\"`";
    for rule in ["this.author == auth.id", "auth.id != null", "hasRole('ADMIN')"] {
        let model = format!("type Post @allow(read: {rule}) {{\n  a: Int\n}}\n");
        check(&model, &[("1:24", "the value of `read` has no quotes", quotes)]);
    }
    check(
        "type Post @allow(read: true\") {\n  a: Int\n}\n",
        &[("1:24", "`true` has no opening quote", "write `\"true\"`")],
    );
}

#[test]
fn nothing_between_braces() {
    let type_help = "give it a field such as `name: String!`, or remove it";
    check("type Post {\n}\ntype Tag {\n  posts: [Post!]\n}\n", &[("2:1", "the type has no fields", type_help)]);
    check("enum State {\n}\n", &[("2:1", "the enum has no values", "give it a value such as `DRAFT`, or remove it")]);
}

#[test]
fn types_of_other_systems() {
    check_fields(
        "  n: Integer @default(to: 3) @unique",
        &[("2:6", "there is no type `Integer`", "write `Int`; it has 64 bits")],
    );
    check_fields("  n: bool", &[("2:6", "there is no type `bool`", "write `Boolean`")]);
    check_fields(
        "  n: UUID",
        &[("2:6", "there is no type `UUID`", "write `ID`, or the name of the type that it refers to")],
    );
    // What is named in several places is missing once.
    check_fields(
        "  n: Integer\n  m: [Integer!]",
        &[("2:6", "there is no type `Integer`", "write `Int`; it has 64 bits")],
    );
}

#[test]
fn a_type_that_is_missing() {
    let model = "type Post @allow(read: \"true\") @index(fields: [\"author\"]) {
  author: Person! @onDelete(do: CASCADE)
  editors: [Person!] @inverse(field: \"posts\")
}
";
    check(
        model,
        &[(
            "2:11",
            "there is no type `Person`",
            "define a type or an enum called `Person`; the built-in types are Boolean, Bytes, Country, Currency, Date, \
             DateTime, Decimal, Duration, Email, Float, ID, Int, JSON, Locale, Money, Phone, String, Text, Time, Url",
        )],
    );
    let model = "type Post @allow(read: \"true\") {\n  author: Usr!\n}\ntype User {\n  posts: [Post!] @inverse(field: \"author\")\n}\n";
    check(model, &[("2:11", "there is no type `Usr`", "did you mean `User`?")]);
}

#[test]
fn directives_of_other_systems() {
    let relation = "remove it; a field whose type is a type of yours is the relation, and a list at its other end says \
                    `@inverse(field: …)`";
    check_fields(
        "  author: User @relation(name: \"a\")\n  editor: User @relation",
        &[("2:16", "there is no directive `@relation`", relation)],
    );
    check_fields("  a: User @auth", &[("2:11", "there is no directive `@auth`", "write `@allow(read: …, update: …)`")]);
    check_fields("  a: Int @min(value: 3)", &[("2:10", "there is no directive `@min`", "write `@range(min: …)`")]);
    check_fields(
        "  a: Int @index",
        &[("2:10", "`@index` can't be used on a field", "put it on the type: `@index(fields: [\"a\"])`")],
    );
}

#[test]
fn arguments_without_their_names() {
    let message = "an argument needs its name";
    check_fields("  n: Int @check(\"a\")", &[("2:17", message, "write `@check(rule: \"a\", message: \"…\")`")]);
    check_fields("  a: User @onDelete(CASCADE)", &[("2:21", message, "write `@onDelete(do: CASCADE)`")]);
    check_fields("  p: [Post!] @inverse(author)", &[("2:23", message, "write `@inverse(field: \"author\")`")]);
    check_fields("  n: Decimal @precision(10, 2)", &[("2:25", message, "write `@precision(digits: 10, scale: 2)`")]);
    check_fields("  n: Int @set(CREATE, \"1\")", &[("2:15", message, "write `@set(on: CREATE, to: \"1\")`")]);
    check(
        "type A @allow(read: \"true\", \"x\") {\n  a: Int\n}\n",
        &[(
            "1:29",
            message,
            "write the name of its argument before it: `refer`, `create`, `update`, `only`, `after`, `delete`, `restore`, `purge`, `call`",
        )],
    );
    let map = "remove it; names in the database follow from those in the model";
    check_fields("  n: Int @map(\"x\")", &[("2:10", "there is no directive `@map`", map)]);
    check_fields("  n: Int @defualt(3)", &[("2:10", "there is no directive `@defualt`", "did you mean `@default`?")]);
}

#[test]
fn directives_that_are_not_complete() {
    let check_help = "write `@check(rule: \"…\", message: \"…\")`";
    check_fields("  n: Int @check(rule: \"true\")", &[("2:10", "@check needs `message`", check_help)]);
    check_fields("  n: Int @check(message: \"a\")", &[("2:10", "@check needs `rule`", check_help)]);
    check_fields("  a: Int @readonly @readonly", &[("2:20", "@readonly is written twice", "keep one of the two")]);
    check(
        "type A {\n  a: Int\n} @allow(read: \"true\")\n",
        &[("3:3", "`@allow` comes after `}`", "write it before `{`")],
    );
    let trash = "write `@trash(keep: \"30d\")` on the type";
    check("type A @softDelete {\n  a: Int\n}\n", &[("1:8", "there is no directive `@softDelete`", trash)]);
}

#[test]
fn arguments_of_another_name() {
    check_fields(
        "  n: Int @default(value: 3)",
        &[("2:19", "`@default` takes no argument `value`", "write `@default(to: …)`")],
    );
    check_fields(
        "  author: User @onDelete(action: CASCADE)",
        &[("2:26", "`@onDelete` takes no argument `action`", "write `@onDelete(do: …)`")],
    );
    check_fields(
        "  n: Int @readonly(always: true)",
        &[("2:20", "`@readonly` takes no argument `always`", "write `@readonly` alone")],
    );
}

#[test]
fn values_that_a_transition_sets() {
    let help = "write `{field: \"publishedAt\", to: \"now\"}`";
    let with = |set: &str| format!("enum State {{\n  A\n  B @initial @to(state: \"A\", set: [\n{set}\n]) }}\n");
    check(
        &with("{name: \"x\", value: \"now\"}"),
        &[("4:8", "entries of `set` have the members `field` and `to`", help)],
    );
    check(&with("{field: \"x\"}"), &[("4:1", "entries of `set` have the members `field` and `to`", help)]);
    check(&with("{}"), &[("4:1", "entries of `set` have the members `field` and `to`", help)]);
}

#[test]
fn an_index_over_a_field_of_a_wrong_type() {
    check(
        "type Post @allow(read: \"true\") @index(fields: [\"tag\"]) {\n  tag: [String]\n}\n",
        &[("2:9", "elements of a list are never null", "write `[String!]`")],
    );
}

#[test]
fn an_argument_that_is_there_twice() {
    check(
        "type Post @allow(read: \"true\", read: \"false\") {\n  a: Int\n}\n",
        &[("1:32", "`read` is written twice", "keep one of the two; join two rules with `&&` or `||`")],
    );
}

#[test]
fn values_of_another_kind() {
    check_fields(
        "  author: User @onDelete(do: \"cascade\")",
        &[("2:30", "expected an unquoted name, found a string", "write `CASCADE` without quotes")],
    );
    check(
        "enum State {\n  DRAFT @initial @to(state: DONE)\n  DONE\n}\n",
        &[("2:29", "expected a string, found an unquoted name", "write it in quotes: `\"DONE\"`")],
    );
    check(
        "type Post @allow(read: true) {\n  a: Int\n}\n",
        &[("1:24", "expected a string, found a boolean", "write it in quotes: `\"true\"`")],
    );
    // A default that does not fit is not missing, too.
    check_fields(
        "  n: Int! @default(to: \"x\") @readonly",
        &[("2:24", "the default of `n` does not fit its type", "write a whole number, such as 42")],
    );
}

#[test]
fn things_that_are_there_twice() {
    let help = "remove one of the two, or give it another name";
    check_fields("  title: String\n  title: Text", &[("3:3", "Post has two fields called `title`", help)]);
    check("enum State { DRAFT DONE DRAFT }\n", &[("1:25", "State has two values called `DRAFT`", help)]);
    check("type Post { a: Int }\ntype Post { b: Integr }\n", &[("2:6", "there are two types called `Post`", help)]);
}

#[test]
fn types_in_the_notation_of_other_languages() {
    let precision = "write `Decimal @precision(digits: 6, scale: 2)`";
    let size = "write `String @length(max: 80)`";
    let declare = "declare `enum State { DRAFT DONE }` and write `state: State`";
    let json = "write `JSON`, or a type of its own and its name here";
    check_fields("  a: List<String>", &[("2:6", "`List<…>` is not a type", "write `[String!]`")]);
    check_fields(
        "  a: Option<String>",
        &[("2:6", "`Option<…>` is not a type", "write `String`; a field can be null unless its type ends with `!`")],
    );
    check_fields("  a: Map<String, Int>", &[("2:6", "`Map<…>` is not a type", "write `JSON`")]);
    check_fields("  a: String[]", &[("2:6", "`String[]` is not a type", "write `[String!]`")]);
    check_fields("  a: Decimal(6,2)", &[("2:6", "`Decimal` takes no arguments", precision)]);
    check_fields("  a: String(80)", &[("2:6", "`String` takes no arguments", size)]);
    for written in ["enum(draft, done)", "draft | done", "\"draft\" | \"done\"", "[\"draft\", \"done\"]"] {
        let fields = format!("  state: {written}");
        check_fields(&fields, &[("2:10", "a list of values is not a type", declare)]);
    }
    check_fields("  a: {a: Int}", &[("2:6", "a field has no fields of its own", json)]);
    check("enum S = DRAFT | DONE\n", &[("1:8", "unexpected `=`", "write `enum S { DRAFT DONE }`")]);
    check(
        "type Post:\n  a: Int\n",
        &[("1:10", "unexpected `:`", "remove it, and write the fields between `{` and `}`")],
    );
    check(
        "type Post: {\n  a: Int\n}\n",
        &[("1:10", "unexpected `:`", "remove it, and write the fields between `{` and `}`")],
    );
    check("class Post {\n  a: Int\n}\n", &[("1:1", "`class` does not begin a definition", "write `type Post`")]);
}

#[test]
fn arguments_and_options_of_other_systems() {
    let allow = |argument: &str, help: &str| {
        let message = format!("`@allow` takes no argument `{argument}`");
        check(&format!("type Post @allow({argument}: \"true\") {{\n  a: Int\n}}\n"), &[("1:18", &message, help)]);
    };
    allow("list", "write `@allow(read: …)`");
    allow("view", "write `@allow(read: …)`");
    allow("write", "write `@allow(create: …, update: …, delete: …)`");
    allow(
        "whatever",
        "`@allow` takes `read`, `refer`, `create`, `update`, `only`, `after`, `delete`, `restore` and `purge`",
    );
    let field = |argument: &str, help: &str| {
        let message = format!("`@allow` takes no argument `{argument}`");
        check_fields(&format!("  a: Int @allow({argument}: \"true\")"), &[("2:17", &message, help)]);
    };
    field("write", "write `@allow(create: …, update: …)`");
    field("whatever", "`@allow` takes `read`, `create`, `update` and `after`");
    allow("columns", "write `@allow(update: …, only: [\"…\"])`");
    allow("withCheck", "write `@allow(update: …, after: …)`");
    allow("link", "write `@allow(refer: …)`");
    allow("undelete", "write `@allow(restore: …)`");
    allow("hardDelete", "write `@allow(purge: …)`");
    let on_delete = "`@onDelete` has no option `DELETE`";
    check_fields("  a: User @onDelete(do: DELETE)", &[("2:25", on_delete, "write `CASCADE`")]);
    let choose = "choose `RESTRICT`, `CASCADE` or `SET_NULL`";
    check_fields("  a: User @onDelete(do: WHATEVER)", &[("2:25", "`@onDelete` has no option `WHATEVER`", choose)]);
    check_fields("  a: Int @set(on: SAVE, to: \"1\")", &[("2:19", "`@set` has no option `SAVE`", "write `WRITE`")]);
    let states = "enum S {\n  A @initial @to(state: \"B\", if: \"true\")\n  B\n}\n";
    check(states, &[("2:30", "`@to` takes no argument `if`", "write `@to(state: …, when: …)`")]);
    let rule = "extend schema @rule(name: \"a\", expr: \"true\")\n";
    check(rule, &[("1:32", "`@rule` takes no argument `expr`", "write `@rule(name: …, is: …)`")]);
    let public = "write `@allow(read: \"true\")`";
    check("type Post @public {\n  a: Int\n}\n", &[("1:11", "there is no directive `@public`", public)]);
    let cascade = "write `@onDelete(do: CASCADE)`";
    check_fields("  a: User @cascade", &[("2:11", "there is no directive `@cascade`", cascade)]);
    check_fields(
        "  a: Int @writeOnly",
        &[("2:10", "there is no directive `@writeOnly`", "write `@class(is: SECRET)`")],
    );
    let index = "put it on the type: `@index(fields: [\"slug\"])`";
    check_fields("  slug: String! @index", &[("2:17", "`@index` can't be used on a field", index)]);
    check(
        "type Post @allow(read: \"true\") @unique([\"title\"]) {\n  title: String\n}\n",
        &[("1:40", "an argument needs its name", "write `@unique(fields: [\"title\"])`")],
    );
}

#[test]
fn what_every_record_has_already() {
    check_fields("  created_at: DateTime", &[("2:3", "every record already has `createdAt`", "leave this out")]);
    check(
        "type A @allow(read: \"true\") {\n  bs: [B!] @inverse(field: \"all\")\n}\ntype B @allow(read: \"true\") {\n  all: [A!] @inverse(field: \"bs\")\n}\n",
        &[(
            "2:28",
            "both ends are marked `@inverse`",
            "remove `@inverse` on one of the two; that side then holds the relation",
        )],
    );
    let key = check_warning("  authorId: User!");
    assert_eq!(key, ["`authorId` is a relation to User, not a key: call it `author`; its value is the id of the User"]);
    check(
        "type A @allow(read: \"true\") {\n  xs: [A!] @inverse(field: \"bs\")\n  bs: [A!] @inverse(field: \"xs\")\n}\n",
        &[(
            "2:28",
            "both ends are marked `@inverse`",
            "remove `@inverse` on one of the two; that side then holds the relation",
        )],
    );
    check(
        "type A @allow(read: \"true\") {\n  b: B!\n}\ntype B @allow(read: \"true\") {\n  a: A!\n}\n",
        &[(
            "5:3",
            "A and B require each other, so neither can ever be created",
            "remove the `!` of one relation in the circle",
        )],
    );
}
