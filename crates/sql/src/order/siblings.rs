//! The order of `@tree(order:)` in a list of what is below a record: each record after its parent, and siblings by a field.

use backstay_base::{Action, limits};
use backstay_model::{FieldId, Tree};
use backstay_scalar::Storage;
use sea_query::{BinOper, CaseStatement, Expr as Sql, ExprTrait, Func, Query};

use super::Key;
use crate::builder::{Anchor, Builder};
use crate::dialect::{collate_c, epoch_micros};
use crate::expressions::Reader;
use crate::lower::sees;
use crate::operand::power_of_ten;
use crate::predicate::Pred;
use crate::tree::{call, cast, integer, name, only_where, subquery, word};
use crate::{ColumnRef, ColumnType, Dialect, SortKey};

#[expect(clippy::cast_possible_wrap, reason = "sixteen fits")]
const SEGMENT: i64 = Tree::SEGMENT as i64;

/// The place of a record in its tree: for each record from the root down to it, its place among its siblings. That of a
/// record begins with that of its parent.
pub(super) fn place(
    builder: &mut Builder<'_>,
    (tree, order): (Tree, FieldId),
    member: &Anchor,
    reader: Reader<'_>,
) -> Sql {
    let dialect = builder.dialect;
    let collection = builder.model.collection(member.collection);
    let below = builder.stored(member, ColumnRef::main(tree.path));
    let above = builder.rows(collection, member.perspective, (reader.rights, Action::Read));
    let key = SortKey::of(ColumnRef::main(order), false);
    let key = Key::new(builder, &key, &above.anchor, reader);
    let value = match sees(builder, &above) {
        Pred::Known(true) => key.ordered(dialect),
        seen => only_where(seen.sql(), key.ordered(dialect)),
    };
    let kind = key.names.is_none().then(|| key.encoding.column());
    let path = builder.stored(&above.anchor, ColumnRef::main(tree.path));
    let id = dialect.digits(builder.key(&above.anchor));
    let segment = dialect.sortable(value, kind).binary(BinOper::Custom("||"), id);
    let mut places = Query::select();
    places.expr(dialect.joined_in_order(segment, path.clone()));
    places.and_where(dialect.begins_with((below, path), SEGMENT));
    builder.from(above.anchor.frame, &mut places);
    subquery(places)
}

impl Dialect {
    /// A value as a text that sorts as it does among values of its type, null last, and that no other begins with. `kind`:
    /// what its column holds; `None` if it is a place among the values of an enum.
    fn sortable(self, value: Sql, kind: Option<ColumnType>) -> Sql {
        if self == Self::Sqlite {
            return call("sortable", [value]);
        }
        let number = |value: Sql| {
            let flipped =
                cast(value, "bigint").binary(BinOper::Custom("#"), cast(word("-9223372036854775808"), "bigint"));
            tagged("n", call("encode", [call("int8send", [flipped]), word("hex")]), "")
        };
        let text =
            |value: Sql| tagged("t", call("encode", [call("convert_to", [value, word("UTF8")]), word("hex")]), " ");
        let written = match kind {
            None | Some(ColumnType::One(Storage::Int | Storage::Bool)) => number(value.clone()),
            Some(ColumnType::One(Storage::Decimal { scale })) => {
                number(value.clone().mul(integer(power_of_ten(scale))))
            }
            Some(ColumnType::One(Storage::Timestamp)) => number(epoch_micros(value.clone())),
            Some(ColumnType::One(Storage::Float)) => float(&value),
            Some(ColumnType::One(Storage::Date)) => text(call("to_char", [value.clone(), word("YYYY-MM-DD")])),
            Some(
                ColumnType::One(Storage::Text | Storage::Id(_) | Storage::Bytes | Storage::Json)
                | ColumnType::List(_)
                | ColumnType::Nested,
            ) => text(cast(value.clone(), "text")),
        };
        CaseStatement::new().case(value.is_null(), word("z")).finally(written).into()
    }

    /// The digits of an id.
    fn digits(self, id: Sql) -> Sql {
        match self {
            Self::Sqlite => call("hex", [id]),
            Self::Postgres => cast(id, "text"),
        }
    }

    /// Texts of rows as one, in the order of a column.
    fn joined_in_order(self, text: Sql, by: Sql) -> Sql {
        match self {
            Self::Sqlite => Sql::cust_with_exprs("group_concat(?, '' ORDER BY ?)", [text, by]),
            Self::Postgres => collate_c(Sql::cust_with_exprs("string_agg($1, '' ORDER BY $2)", [text, by])),
        }
    }

    /// That a path is that of a record or of one above it. An index finds these paths.
    fn begins_with(self, (below, above): (Sql, Sql), segment: i64) -> Sql {
        const LEVEL: &str = "level";
        let first = |bytes: Sql| call("substr", [below.clone(), integer(1), bytes]);
        match self {
            Self::Sqlite => {
                let levels = (1_i64..).take(limits::TREE_LEVELS);
                above.is_in(levels.map(|level| first(integer(level * segment))))
            }
            Self::Postgres => {
                let levels = call("octet_length", [below.clone()]).div(integer(segment));
                let mut paths = Query::select();
                paths.expr(first(Sql::col(name(LEVEL)).mul(integer(segment))));
                paths.from_function(Func::cust("generate_series").args([integer(1), levels]), name(LEVEL));
                above.in_subquery(paths)
            }
        }
    }
}

/// PostgreSQL: a text between a tag and an end.
fn tagged(tag: &str, text: Sql, end: &str) -> Sql {
    let joined = word(tag).binary(BinOper::Custom("||"), text);
    if end.is_empty() { joined } else { joined.binary(BinOper::Custom("||"), word(end)) }
}

/// PostgreSQL: the bits of a float in an order: those of a negative one inverted, and of any other with the sign set.
fn float(value: &Sql) -> Sql {
    let bits = |value: Sql| call("encode", [call("float8send", [value]), word("hex")]);
    let sent = |number: Sql| call("encode", [call("int8send", [number]), word("hex")]);
    let read = cast(cast(word("x").binary(BinOper::Custom("||"), bits(value.clone())), "bit(64)"), "bigint");
    let inverted = sent(integer(-1).sub(read.clone()));
    let signed = sent(read.binary(BinOper::Custom("#"), cast(word("-9223372036854775808"), "bigint")));
    tagged("n", CaseStatement::new().case(value.clone().gte(integer(0)), signed).finally(inverted).into(), "")
}
