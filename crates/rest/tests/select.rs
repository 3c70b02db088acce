//! The notation of `select`: what it means, and what is said of mistakes.

use std::fmt::Write;
use std::sync::Arc;

use backstay_base::{Error, Place, ViolationKind};
use backstay_engine::{
    DocumentSelection, InnerSelection, MemberSelection, Phrase, Selected, SelectedField, SelectedMember, SelectedType,
    SelectedValue, Selection, Singles, SortBy, Sought,
};
use backstay_model::{Collection, Model, SourceFile};
use backstay_rest::Reader;

const MODEL: &str = r#"
extend schema @app(name: "Blog")
type User @allow(read: "true") { name: String! token: String @class(is: SECRET) posts: [Post!] @inverse(field: "author") }
type Post @allow(read: "true") {
  title: String!
  body: Text
  author: User!
  comments: [Comment!] @inverse(field: "post")
  place: Address
  lines: [Line!]
  blocks: [Block!]
  tags: [String!]
}
type Address @embedded { city: String at: Point }
type Point @embedded { lat: Float }
type Line @embedded { sku: String by: User at: Point parts: [Part!] }
type Part @embedded { n: Int }
union Block = Quote | Teaser
union Goal = Post | User
type Quote @embedded { text: String source: String }
type Teaser @embedded { text: String to: Goal story: Post }
type Comment @allow(read: "true") {
  text: String!
  post: Post!
  by: User
  likes: Int
  price: Decimal @precision(digits: 8, scale: 2)
  replies: [Reply!] @inverse(field: "to")
}
type Reply @allow(read: "true") { to: Comment! }
"#;

/// The meaning of a selection, written out.
fn meaning(selection: &Selection, model: &Model, collection: &Collection) -> String {
    let Selection::Parts(parts) = selection else { return "everything".to_owned() };
    let part = |part: &Selected| match part {
        Selected::Stored => "*".to_owned(),
        Selected::Derived(SelectedValue { name, relation: _, optional, value }) => {
            format!("{} as {name}{}", value.of.text, if *optional { " if seen" } else { "" })
        }
        Selected::Field(SelectedField { field, optional, alias, arguments, inner }) => {
            let field = collection.field(*field);
            let mut text = field.name.clone();
            if *optional {
                text.push_str(" if seen");
            }
            if let Some(alias) = alias {
                write!(text, " as {alias}").expect("a text");
            }
            let target = field.kind.target().map(|target| model.collection(target));
            for key in &*arguments.sort {
                let of = match &key.by {
                    SortBy::Column(column) => &*target.expect("a relation").field(column.field).name,
                    SortBy::Derived(value) => &*value.of.text,
                    SortBy::Rank => "$rank",
                };
                write!(text, " by {of}{}", if key.descending { " down" } else { "" }).expect("a text");
            }
            if let Some(limit) = arguments.limit {
                write!(text, " up to {limit}").expect("a text");
            }
            if let Some(Phrase { text: filter, first_param, .. }) = &arguments.filter {
                write!(text, " where {filter} from {first_param}").expect("a text");
            }
            match &arguments.search {
                None => {}
                Some(Sought::Search(search)) => {
                    write!(text, " found by {} terms", search.terms().len()).expect("a text");
                }
                Some(Sought::Param(Phrase { text: param, first_param, .. })) => {
                    write!(text, " found by {param} at {first_param}").expect("a text");
                }
            }
            match (inner, target) {
                (Some(InnerSelection::Fields(inner)), Some(target)) => {
                    write!(text, " with [{}]", meaning(inner, model, target)).expect("a text");
                }
                (Some(InnerSelection::Document(inner)), _) => {
                    write!(text, " of {}", meaning_of_values(inner, model)).expect("a text");
                }
                (Some(InnerSelection::Fields(_)) | None, _) => {}
            }
            text
        }
    };
    parts.iter().map(part).collect::<Vec<_>>().join(", ")
}

/// The meaning of a selection of the values in a document.
fn meaning_of_values(selection: &DocumentSelection, model: &Model) -> String {
    let of_type = |selected: &SelectedType| {
        let of = model.embedded(selected.of);
        let member = |selected: &SelectedMember| {
            let mut text = of.member(selected.member).name.clone();
            if let Some(alias) = &selected.alias {
                write!(text, " as {alias}").expect("a text");
            }
            match &selected.inner {
                None => {}
                Some(MemberSelection::Values(inner)) => {
                    write!(text, " of {}", meaning_of_values(inner, model)).expect("a text");
                }
                Some(MemberSelection::Records(types)) => {
                    for (target, inner) in &**types {
                        let target = model.collection(*target);
                        write!(text, " with {}[{}]", target.name, meaning(inner, model, target)).expect("a text");
                    }
                }
            }
            text
        };
        format!("{}({})", of.name, selected.members.iter().map(member).collect::<Vec<_>>().join(", "))
    };
    selection.0.iter().map(of_type).collect::<Vec<_>>().join(" ")
}

fn check(select: &str, expected: &str) {
    let loaded = backstay_model::load(vec![SourceFile::app("model/blog.graphql", MODEL)]);
    let model = Arc::new(loaded.expect("the model loads").model);
    let post = model.collection_named("Post").expect("a type");
    let got = match Reader::of(Arc::clone(&model), Singles::default()).selection(post.id, Some(select)) {
        Ok(selection) => meaning(&selection, &model, post),
        Err(Error::Malformed(violations)) => {
            assert_eq!((violations.len(), &violations[0].at), (1, &Place::Select), "{select}");
            match &violations[0].kind {
                ViolationKind::Syntax { offset, problem, remedy } => {
                    format!("{offset}: {problem}: {}", remedy.as_deref().unwrap_or("-"))
                }
                kind => kind.to_string(),
            }
        }
        Err(other) => other.to_string(),
    };
    assert_eq!(got, expected, "{select}");
}

#[test]
fn a_selection_is_a_tree() {
    check("*", "*");
    check("title", "title");
    check(" title , body ", "title, body");
    check("*,author{*}", "*, author with [*]");
    check("author{name},title", "author with [name], title");
    check("comments", "comments");
    check("comments{text,by{name}}", "comments with [text, by with [name]]");
    check("comments(limit:3){text}", "comments up to 3 with [text]");
    check("comments( sort : -createdAt , limit : 3 ) {text}", "comments by createdAt down up to 3 with [text]");
    check("comments(sort:[-createdAt,text])", "comments by createdAt down by text");
    check(
        "latest=comments(sort:-createdAt,limit:1),comments",
        "comments as latest by createdAt down up to 1, comments",
    );
    check("headline=title,text=body", "title as headline, body as text");
    check("title=title,title", "title");
    check("title,title", "title");
}

#[test]
fn a_list_takes_a_filter() {
    check("comments(filter:likes > 3)", "comments where likes > 3 from 0");
    check(
        "comments(sort:[-likes],limit:3,filter: text == 'a,b)' && by.name != $me ){text}",
        "comments by likes down up to 3 where text == 'a,b)' && by.name != $me from 0 with [text]",
    );
    check("comments(filter:text in ['a', 'b'],limit:1)", "comments up to 1 where text in ['a', 'b'] from 0");
    check(
        r"comments(filter:text.matches(r'\d\s'),limit:1),b=comments(filter:text == 'it\'s ('){text}",
        r"comments up to 1 where text.matches(r'\d\s') from 0, comments as b where text == 'it\'s (' from 0 with [text]",
    );
    check(
        "a=comments(filter:likes > $n && text == $t),b=comments(filter:likes < $n){text}",
        "comments as a where likes > $n && text == $t from 0, comments as b where likes < $n from 2 with [text]",
    );
    check("comments(sort:by.name,filter:likes>1)", "comments by by.name where likes>1 from 0");
    check("comments(sort:[-replies:count,likes])", "comments by replies():count() down by likes");
}

#[test]
fn a_list_takes_a_search() {
    check(r#"comments(search:"new york"){text}"#, "comments by $rank down found by 2 terms with [text]");
    check(r#"comments(search:'"new york"',limit:3)"#, "comments by $rank down up to 3 found by 1 terms");
    check(r#"comments(search:"a, b)",sort:likes)"#, "comments by likes found by 2 terms");
    check(
        "comments(filter:text == $t,search:$words),b=comments(search: $other )",
        "comments by $rank down where text == $t from 0 found by $words at 1, comments as b by $rank down found by $other at 2",
    );
    let quotes = "put words in quotes: comments(search:\"new york\"); a parameter is comments(search:$words)";
    check("comments(search:york)", &format!("16: `search` needs words in quotes, or a parameter: {quotes}"));
    check("comments(search:)", &format!("16: `search` needs words in quotes, or a parameter: {quotes}"));
    check("comments(search:$a + 'x')", "16: what is searched for is not computed: send the words, or a parameter");
    check("comments(search:'a',search:'b')", "20: `search` is given twice: give it once");
    let none = "there is no word to look for; send words of letters and digits, such as `new york -city`, or leave out `search`";
    check("comments(search:'-')", none);
}

#[test]
fn a_relation_has_functions() {
    check("n=comments:count", "comments():count() as n");
    check("comments:count", "comments():count() as commentsCount");
    check("comments:sum(likes)", "comments():sum(likes) as commentsSumLikes");
    check("comments : max( by.name )", "comments():max(by.name) as commentsMaxByName");
    check("most=comments(filter:likes > $n):min(price),title", "comments(likes > $n):min(price) as most, title");
    check("author{posts?:count}", "author with [posts():count() as postsCount if seen]");
    for (select, expected) in [
        ("title:count", "0: `title` is not a relation to many records, so it has no `count`: leave the function out"),
        ("author:count", "0: `author` is not a relation to many records, so it has no `count`: leave the function out"),
        ("comments:sum", "0: `sum` needs a field: write comments:sum(FIELD), with a field of Comment"),
        ("comments:sum()", "0: `sum` needs a field: write comments:sum(FIELD), with a field of Comment"),
        (
            "comments:count(likes)",
            "0: `count` takes no field: write comments:count; to count some of them, add a filter: comments(filter:…):count",
        ),
        (
            "comments:sum(text)",
            "0: `text` can't be added up: name a field with a number, a length of time or an amount",
        ),
        ("comments:max(by)", "0: `by` is not one value: name a field that holds one value"),
        ("comments:max(replies.id)", "0: `replies` leads to many records: use how many there are: replies:count"),
        ("comments:sum(likse)", "unknown field `likse`; did you mean `likes`?"),
        ("comments:sum(likes", "13: a ')' is missing: close the field with ')'"),
        (
            "comments(limit:1):count",
            "0: `count` is of all records that the filter leaves, so it has no `limit`, no `sort` and no `search`: leave them out",
        ),
        (
            "comments(search:'x'):count",
            "0: `count` is of all records that the filter leaves, so it has no `limit`, no `sort` and no `search`: leave them out",
        ),
        ("title=comments:count", "0: `title` is the name of a field of Post: choose another alias"),
        (
            "comments:count,comments(filter:likes > 1):count",
            "15: `commentsCount` is selected twice: select it once, or give one of them an alias: other=comments",
        ),
    ] {
        check(select, expected);
    }
}

#[test]
fn what_may_be_hidden_is_marked() {
    check("author?{name},title?", "author if seen with [name], title if seen");
    check("a=comments?(limit:1)", "comments if seen as a up to 1");
}

#[test]
fn expressions_in_a_selection_are_few_and_short() {
    let many = |count: usize| (0..count).map(|at| format!("a{at}=comments:count")).collect::<Vec<_>>().join(",");
    check(&many(21), "388: more than 20 filters, searches and functions of relations: select fewer");
    let long = format!("comments(filter:text == '{}')", "x".repeat(1100));
    check(&long, "16: the filters have more than 1024 bytes: list the collection itself with a long filter");
}

#[test]
fn members_of_documents_are_selected_by_type() {
    check("lines{sku}", "lines of Line(sku)");
    check("lines{ code=sku , by { name } }", "lines of Line(sku as code, by with User[name])");
    check("lines{*}", "lines of Line(sku, by, at, parts)");
    check("lines{by{name},*,sku}", "lines of Line(by with User[name], at, parts, sku)");
    check("lines{at{lat},parts{n}}", "lines of Line(at of Point(lat), parts of Part(n))");
    check("lines{sku},lines{sku}", "lines of Line(sku)");
    check("blocks{text}", "blocks of Quote(text) Teaser(text)");
    check("blocks{source,__typename}", "blocks of Quote(source) Teaser()");
    check("blocks{Quote{*},text}", "blocks of Quote(text, source) Teaser(text)");
    check("blocks{Teaser{story{title}}}", "blocks of Quote() Teaser(story with Post[title])");
    check("blocks{story{title}}", "blocks of Quote() Teaser(story with Post[title])");
    check("blocks{to{id,Post{title},__typename}}", "blocks of Quote() Teaser(to with Post[id, title] with User[id])");
    check("blocks{to{User{name}}}", "blocks of Quote() Teaser(to with User[name])");
    check("author{posts{lines{sku}}}", "author with [posts with [lines of Line(sku)]]");
}

#[test]
fn a_mistake_within_a_document_has_a_place_and_a_remedy() {
    check("lines{}", "6: expected the name of a member: write names with commas between them: sku");
    check("lines{sk}", "unknown member `sk`; did you mean `sku`?");
    check("lines{sku", "9: a '}' is missing: close the members of `lines` with '}'");
    check("lines{sku{x}}", "10: `sku` is not a relation and has no fields: leave out the braces");
    check("lines{by{name}", "14: a '}' is missing: close the members of `lines` with '}'");
    check("lines{by{name", "13: a '}' is missing: close the fields of the relation with '}'");
    check("lines{by{token}}", "unknown field `token`");
    check("lines{by=sku}", "6: `by` is the name of another member: choose another alias");
    check("lines{__typename=sku}", "6: `__typename` is the name of another member: choose another alias");
    check("lines{__typename}", "unknown member `__typename`");
    check("lines{by,by{name}}", "9: `by` is selected twice: select it once, or give one of them an alias: other=by");
    check("blocks{Quote}", "12: `Quote` is a type: write which members of its values to answer in braces: Quote{text}");
    check("blocks{Quote{story}}", "unknown member `story`");
    check(
        "lines{parts(limit:3){n}}",
        "12: `parts` is not a list of records, so it takes no arguments: write parts, or the fields of a record in braces: parts{…}",
    );
    check(
        "lines{by{posts{lines{sku}}}}",
        "21: more than 4 levels, the record itself included: read the inner records with a request of their own",
    );
}

#[test]
fn a_mistake_has_a_place_and_a_remedy() {
    let names = "expected the name of a field: write names with commas between them: id,title";
    check("", &format!("0: {names}"));
    check("title,", &format!("6: {names}"));
    check("ü,titel", &format!("0: {names}"));
    check("titel", "unknown field `titel`; did you mean `title`?");
    check("author{token}", "unknown field `token`");
    check("title{x}", "6: `title` is not a relation and has no fields: leave out the braces");
    check("author{name", "11: a '}' is missing: close the fields of the relation with '}'");
    check(
        "author.name",
        "6: expected ',', not a path with '.': write the fields of a relation in braces: author{name}",
    );
    check(
        "author{posts.title}",
        "12: expected ',', not a path with '.': write the fields of a relation in braces: posts{title}",
    );
    let path = "expected ',', not a path with '.'";
    check("lines.sku", &format!("5: {path}: write the members in braces: lines{{sku}}"));
    check("place.city", &format!("5: {path}: write the members in braces: place{{city}}"));
    check("place{at.lat}", &format!("8: {path}: write the members in braces: at{{lat}}"));
    check("place.at.lat", &format!("5: {path}: write the members in braces: place{{at}}"));
    check("title.x", &format!("5: {path}: `title` has no fields; leave out what follows it"));
    check("tags{x}", "5: `tags` is not a relation and has no fields: leave out the braces");
    check("place{city", "10: a '}' is missing: close the members of `place` with '}'");
    check(
        "author(name)",
        "7: `author` is not a list of records, so it takes no arguments: write author, or the fields of a record in braces: author{…}",
    );
    check("title body", "6: a ',' is missing: separate the fields with ','; write an alias as other=FIELD");
    check("title}", "5: this '}' has no '{' before it: write the fields of a relation as author{name}");
    check(
        "author{name},author{posts}",
        "13: `author` is selected twice: select it once, or give one of them an alias: other=author",
    );
    check("a=title,a=body", "8: `a` is selected twice: select it once, or give one of them an alias: other=body");
    for taken in ["title=body", "*,id=title", "version=title", "author=comments{text}"] {
        let (alias, _) = taken.trim_start_matches("*,").split_once('=').expect("an alias");
        let place = if taken.starts_with('*') { 2 } else { 0 };
        check(taken, &format!("{place}: `{alias}` is the name of a field of Post: choose another alias"));
    }
    check(
        "latest:comments{text}",
        "0: `latest:` does not name a part of the answer: write an alias as latest=FIELD, arguments as FIELD(limit:3)",
    );
    let deep = "author{posts{author{posts{title}}}}";
    check(
        deep,
        "26: more than 4 levels, the record itself included: read the inner records with a request of their own",
    );
}

#[test]
fn arguments_are_checked() {
    let remedy = "arguments are `limit`, `sort`, `filter` and `search`, as in comments(sort:-createdAt,limit:3); fields go in braces: comments{id}";
    check("comments()", &format!("9: an argument is missing: {remedy}"));
    check("comments(first:3)", &format!("9: `first` is not an argument: {remedy}"));
    check("comments(text)", &format!("9: `text` is not an argument: {remedy}"));
    check("comments(limit)", &format!("9: a ':' is missing after `limit`: {remedy}"));
    check("comments(limit:1,limit:2)", "17: `limit` is given twice: give it once");
    check("comments(sort:text,sort:id)", "19: `sort` is given twice: give it once");
    check("comments(limit:3", "16: a ')' is missing: close the arguments with ')'");
    for limit in ["0", "101", "-1", "3.5", "x", "", "99999999999999999999"] {
        let whole = "15: `limit` must be a whole number from 1 to 100: write comments(limit:3); to read more, list the collection itself";
        check(&format!("comments(limit:{limit})"), whole);
    }
    check("comments(sort:txt)", "unknown field `txt`; did you mean `text`?");
    check(
        "comments(sort:post)",
        "14: `post` is a relation, which has no order: sort by a field of what it leads to, such as author.name, or by comments:count",
    );
    check("comments(filter:txt == 'x')", "16: Comment has no field `txt`: did you mean `text`?");
    check("comments(filter:likes)", "16: expected Boolean, found Int: write a condition, such as a comparison");
    check("comments(filter:likes > 1,filter:likes > 2)", "26: `filter` is given twice: give it once");
    check("comments(sort:[text,text])", "20: `text` is named twice: name it once");
    check("comments(sort:[text)", "14: this '[' has no ']': close the fields to sort by with ']'");
}
