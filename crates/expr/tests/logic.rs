//! Three-valued logic, complete, and the promise of facts: what is folded for a caller says the same as before.

use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_base::{Caller, RecordId, Timestamp};
use backstay_expr::{
    CallerPart, Environment, Expr, Facts, Many, Node, Operator, Path, Quantifier, Root, Start, Truth, Type, evaluate,
    fold, truth,
};
use backstay_model::{CollectionId, FieldId};
use backstay_scalar::Value;
use proptest::prelude::*;

const ALL: [Truth; 3] = [Truth::True, Truth::False, Truth::Unknown];

/// Records are numbers; field `n` of a record is the truth at `(record + n) % truths.len()`, and every to-many relation
/// leads to records 1 and up.
#[derive(Debug)]
struct World {
    caller: Caller,
    truths: Vec<Truth>,
    /// `None`: the record that has the relation is not there.
    members: Option<u8>,
    facts: backstay_expr::Truths,
}

impl World {
    fn new(truths: &[Truth], members: impl Into<Option<u8>>) -> Self {
        let members = members.into();
        let facts = Facts::default().evaluate(&Caller::anonymous());
        Self { caller: Caller::anonymous(), truths: truths.to_vec(), members, facts }
    }
}

impl Environment for World {
    fn caller(&self) -> &Caller {
        &self.caller
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_micros_saturating(0)
    }

    fn value(&self, from: Start, path: &Path) -> Value {
        let record = match from {
            Start::Record(id) => usize::from(id.as_bytes()[15]),
            Start::This | Start::New | Start::Old | Start::Account => 0,
        };
        let steps: usize = path.steps.iter().map(|step| usize::from(step.0)).sum();
        self.truths.get((record + steps) % self.truths.len().max(1)).map_or(Value::Null, |truth| (*truth).into())
    }

    fn members(&self, _: Start, _: &Path) -> Option<Vec<RecordId>> {
        let id = |number| {
            let mut bytes = [0; 16];
            bytes[15] = number;
            RecordId::from_bytes(bytes)
        };
        self.members.map(|members| (1..=members).map(id).collect())
    }

    fn fact(&self, index: u16) -> Truth {
        self.facts.get(index)
    }
}

fn boolean(node: Node) -> Expr {
    Expr { node, ty: Type::Bool, span: 0..0 }
}

fn literal(truth: Truth) -> Expr {
    boolean(Node::Literal(truth.into()))
}

fn field(root: Root, number: u16) -> Path {
    Path { root, collection: CollectionId(0), steps: vec![FieldId(number)], part: None }
}

fn binary(operator: Operator, left: Expr, right: Expr) -> Expr {
    boolean(Node::Binary(operator, Box::new(left), Box::new(right)))
}

fn not(of: Expr) -> Expr {
    boolean(Node::Not(Box::new(of)))
}

fn choice(condition: Expr, then: Expr, otherwise: Expr) -> Expr {
    boolean(Node::Conditional(Box::new(condition), Box::new(then), Box::new(otherwise)))
}

fn quantifier(kind: Quantifier, variable: u16, body: Expr) -> Expr {
    boolean(Node::Quantifier { kind, over: Many::Records(field(Root::This, 0)), variable, body: Box::new(body) })
}

fn check(expr: &Expr, world: &World, expected: Truth) {
    assert_eq!(truth(expr, world), expected, "{expr:?}");
    assert_eq!(evaluate(expr, world), expected.into(), "{expr:?}");
}

#[test]
fn and_or_not_and_choice_follow_kleene() {
    use Truth::{False, True, Unknown};
    let world = World::new(&[], 0);
    let and = [[True, False, Unknown], [False, False, False], [Unknown, False, Unknown]];
    let or = [[True, True, True], [True, False, Unknown], [True, Unknown, Unknown]];
    let equal = [[True, False, Unknown], [False, True, Unknown], [Unknown, Unknown, Unknown]];
    for (row, left) in ALL.into_iter().enumerate() {
        for (column, right) in ALL.into_iter().enumerate() {
            check(&binary(Operator::And, literal(left), literal(right)), &world, and[row][column]);
            check(&binary(Operator::Or, literal(left), literal(right)), &world, or[row][column]);
            check(&binary(Operator::Equal, literal(left), literal(right)), &world, equal[row][column]);
            check(&binary(Operator::NotEqual, literal(left), literal(right)), &world, !equal[row][column]);
            for condition in ALL {
                let expected = [left, right, Unknown][ALL.iter().position(|one| *one == condition).expect("listed")];
                check(&choice(literal(condition), literal(left), literal(right)), &world, expected);
            }
        }
    }
    for (of, expected) in [(True, False), (False, True), (Unknown, Unknown)] {
        check(&not(literal(of)), &world, expected);
    }
}

#[test]
fn exists_and_all_over_every_pair_of_members() {
    use Truth::{False, True, Unknown};
    let member = || boolean(Node::Path(field(Root::Bound(7), 0)));
    let exists = |members: &[Truth]| match members {
        _ if members.contains(&True) => True,
        _ if members.iter().all(|member| *member == False) => False,
        _ => Unknown,
    };
    let all = |members: &[Truth]| match members {
        _ if members.contains(&False) => False,
        _ if members.iter().all(|member| *member == True) => True,
        _ => Unknown,
    };
    let mut cases: Vec<Vec<Truth>> = vec![Vec::new()];
    cases.extend(ALL.map(|one| vec![one]));
    cases.extend(ALL.into_iter().flat_map(|one| ALL.map(|other| vec![one, other])));
    for members in cases {
        // The first place is that of record 0, which is no member.
        let truths: Vec<Truth> = std::iter::once(Unknown).chain(members.iter().copied()).collect();
        let world = World::new(&truths, u8::try_from(members.len()).expect("few"));
        check(&quantifier(Quantifier::Exists, 7, member()), &world, exists(&members));
        check(&quantifier(Quantifier::All, 7, member()), &world, all(&members));
    }
}

#[test]
fn facts_are_the_largest_parts_of_the_caller_alone_and_each_is_kept_once() {
    let editor = || boolean(Node::In(Box::new(text("EDITOR")), Box::new(caller(CallerPart::Roles))));
    let known = || is_null(caller(CallerPart::Id));
    let of_record = || boolean(Node::Path(field(Root::This, 0)));
    let mut facts = Facts::default();

    let both = binary(Operator::And, editor(), not(known()));
    let extracted = facts.extract(&binary(Operator::Or, of_record(), both.clone()));
    assert_eq!(extracted, binary(Operator::Or, of_record(), boolean(Node::Fact(0))));
    let again = facts.extract(&binary(Operator::And, of_record(), both));
    assert_eq!(again, binary(Operator::And, of_record(), boolean(Node::Fact(0))));
    assert_eq!(facts.extract(&editor()).node, Node::Fact(1));
    assert_eq!(facts.extract(&literal(Truth::True)), literal(Truth::True), "a literal is no fact");

    let truths = facts.evaluate(&Caller::account(RecordId::from_bytes([1; 16]), ["EDITOR"]));
    assert_eq!((truths.get(0), truths.get(1), truths.get(2)), (Truth::True, Truth::True, Truth::Unknown));
    assert_eq!(fold(&extracted, &truths), literal(Truth::True));
    assert_eq!(fold(&again, &truths), of_record());
    let truths = facts.evaluate(&Caller::anonymous());
    assert_eq!(fold(&extracted, &truths), of_record());
    assert_eq!(fold(&again, &truths), literal(Truth::False));
}

#[test]
fn facts_beyond_the_most_stay_where_they_are() {
    let mut facts = Facts::default();
    let claim = |number: usize| is_null(caller(CallerPart::Claim(Arc::from(number.to_string().as_str()))));
    for number in 0..100 {
        let extracted = facts.extract(&claim(number));
        assert_eq!(matches!(extracted.node, Node::Fact(_)), number < 64, "{number}");
    }
}

fn text(text: &str) -> Expr {
    Expr { node: Node::Literal(Value::text(text)), ty: Type::Text, span: 0..0 }
}

fn caller(part: CallerPart) -> Expr {
    let ty = if part == CallerPart::Roles { Type::List(Box::new(Type::Text)) } else { Type::Text };
    Expr { node: Node::Caller(part), ty, span: 0..0 }
}

fn is_null(of: Expr) -> Expr {
    boolean(Node::IsNull { of: Box::new(of), negated: false })
}

/// Any Boolean expression, of parts of the caller, of fields, and of members of a relation.
fn any_expr() -> impl Strategy<Value = Expr> {
    let claim = || CallerPart::Claim(Arc::from("a"));
    let leaf = prop_oneof![
        proptest::sample::select(ALL.to_vec()).prop_map(literal),
        (0..4_u16).prop_map(|number| boolean(Node::Path(field(Root::This, number)))),
        (0..4_u16).prop_map(|number| boolean(Node::Path(field(Root::Bound(0), number)))),
        Just(boolean(Node::In(Box::new(text("EDITOR")), Box::new(caller(CallerPart::Roles))))),
        Just(binary(Operator::Equal, caller(claim()), text("x"))),
        Just(is_null(caller(claim()))),
    ];
    leaf.prop_recursive(6, 64, 3, |inner| {
        let operators = vec![Operator::And, Operator::Or, Operator::And, Operator::Or, Operator::Equal];
        prop_oneof![
            inner.clone().prop_map(not),
            (proptest::sample::select(operators), inner.clone(), inner.clone())
                .prop_map(|(operator, left, right)| binary(operator, left, right)),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(one, two, three)| choice(one, two, three)),
            inner.clone().prop_map(|body| quantifier(Quantifier::Exists, 0, body)),
            inner.prop_map(|body| quantifier(Quantifier::All, 0, body)),
        ]
    })
}

fn any_caller() -> impl Strategy<Value = Caller> {
    let claim = prop_oneof![Just(None), Just(Some("x")), Just(Some("y"))];
    (any::<bool>(), claim).prop_map(|(editor, claim)| {
        let roles: Vec<&str> = if editor { vec!["EDITOR"] } else { Vec::new() };
        let claims: BTreeMap<String, String> =
            claim.map(|text| ("a".to_owned(), text.to_owned())).into_iter().collect();
        Caller { claims: Arc::new(claims), ..Caller::account(RecordId::from_bytes([9; 16]), roles) }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn folding_facts_keeps_the_truth(
        expr in any_expr(),
        caller in any_caller(),
        truths in proptest::collection::vec(proptest::sample::select(ALL.to_vec()), 5),
        members in proptest::option::weighted(0.8, 0..3_u8),
    ) {
        let mut world = World { caller, ..World::new(&truths, members) };
        let before = truth(&expr, &world);
        let mut facts = Facts::default();
        let extracted = facts.extract(&expr);
        world.facts = facts.evaluate(&world.caller);
        prop_assert_eq!(truth(&extracted, &world), before);
        let folded = fold(&extracted, &world.facts);
        prop_assert_eq!(truth(&folded, &world), before, "{:?}", folded);
        let text = format!("{folded:?}");
        prop_assert!(!text.contains("Fact"), "{}", text);
    }
}
