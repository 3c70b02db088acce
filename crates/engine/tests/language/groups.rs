//! Groups of records and what they come to, on both databases.

use std::sync::Arc;

use backstay_base::Caller;
use serde_json::{Value, json};

use crate::App;

const MODEL: &str = r#"
enum State { DRAFT SENT PAID }
type User @identity @open { email: Email! @unique  name: String! }
type Customer @open { name: String!  city: String }
type Order @open {
  customer: Customer
  state: State! @default(to: DRAFT)
  placed: DateTime
  number: Int
  weight: Float
  total: Decimal @precision(digits: 10, scale: 2)
  price: Money
  took: Duration
  note: Text
  gift: Boolean
  double: Decimal @precision(digits: 12, scale: 2) @computed(is: "this.total * 2")
}
"#;

async fn shop(app: &App) {
    let ann = app.made("Customer", r#"{"name":"Ann","city":"Bern"}"#).await;
    let bob = app.made("Customer", r#"{"name":"Bob"}"#).await;
    for order in [
        format!(
            r#"{{"customer":"{ann}","state":"PAID","placed":"2026-01-31T23:30:00Z","number":1,"weight":1.5,"total":"10.10",
            "price":{{"amount":"5","currency":"EUR"}},"took":"PT1H","gift":true}}"#
        ),
        format!(
            r#"{{"customer":"{ann}","state":"SENT","placed":"2026-02-01T00:30:00Z","number":2,"weight":2.5,"total":"20.25",
            "price":{{"amount":"7.50","currency":"EUR"}},"took":"PT30M","gift":false}}"#
        ),
        format!(
            r#"{{"customer":"{bob}","state":"PAID","placed":"2026-02-10T12:00:00Z","number":2,"weight":4,"total":"0.05",
            "price":{{"amount":"3","currency":"USD"}}}}"#
        ),
        r#"{"state":"DRAFT","total":"1","price":{"amount":"2","currency":"USD"}}"#.to_owned(),
        r#"{"number":4}"#.to_owned(),
    ] {
        app.made("Order", &order).await;
    }
}

/// What is asked, and the groups as they are answered, or what is wrong with it.
const TABLE: &[(&str, &str)] = &[
    (r#"{"select":"count"}"#, r#"[{"count":5}]"#),
    (r#"{"select":"count","having":"count > 1"}"#, r#"[{"count":5}]"#),
    (r#"{"select":"count","having":"count > 5"}"#, "[]"),
    (r#"{"select":"count","filter":"false"}"#, r#"[{"count":0}]"#),
    (
        r#"{"select":"count,sum(number),sum(total),avg(total),min(total),sum(weight),sum(price),avg(number)","filter":"price.currency == 'CHF'"}"#,
        r#"[{"avgNumber":null,"avgTotal":null,"count":0,"minTotal":null,"sumNumber":0,"sumPrice":null,"sumTotal":"0.00","sumWeight":0.0}]"#,
    ),
    (r#"{"group":"state","select":"count","filter":"false"}"#, "[]"),
    (
        r#"{"group":"state","select":"count","sort":"state"}"#,
        r#"[{"count":2,"state":"DRAFT"},{"count":1,"state":"SENT"},{"count":2,"state":"PAID"}]"#,
    ),
    (
        r#"{"group":"state","select":"n=count","sort":"-n,-state"}"#,
        r#"[{"n":2,"state":"PAID"},{"n":2,"state":"DRAFT"},{"n":1,"state":"SENT"}]"#,
    ),
    (
        r#"{"group":"customer.name","select":"count,sum(total),max(number)"}"#,
        r#"[{"count":2,"customerName":"Ann","maxNumber":2,"sumTotal":"30.35"},{"count":1,"customerName":"Bob","maxNumber":2,"sumTotal":"0.05"},{"count":2,"customerName":null,"maxNumber":4,"sumTotal":"1.00"}]"#,
    ),
    (
        r#"{"select":"sum(total),avg(total),min(total),max(total),countDistinct(number),avg(number),sum(number)"}"#,
        r#"[{"avgNumber":"2.250000","avgTotal":"7.850000","countDistinctNumber":3,"maxTotal":"20.25","minTotal":"0.05","sumNumber":9,"sumTotal":"31.40"}]"#,
    ),
    (
        r#"{"select":"sum(weight),avg(weight),min(weight),sum(took),max(took),max(state),min(state)"}"#,
        r#"[{"avgWeight":2.6666666666666665,"maxState":"PAID","maxTook":"PT1H","minState":"DRAFT","minWeight":1.5,"sumTook":"PT1H30M","sumWeight":8.0}]"#,
    ),
    (
        r#"{"group":"month=startOfMonth(placed, 'Europe/Zurich')","select":"count","filter":"placed != null"}"#,
        r#"[{"count":3,"month":"2026-01-31T23:00:00.000000Z"}]"#,
    ),
    (
        r#"{"group":"placed.month(Europe/Zurich)","select":"count","filter":"placed != null"}"#,
        r#"[{"count":3,"placedMonth":"2026-02-01"}]"#,
    ),
    (
        r#"{"group":"placed.month(UTC),d=placed.day('UTC')","select":"count","sort":"-d","filter":"placed != null"}"#,
        r#"[{"count":1,"d":"2026-02-10","placedMonth":"2026-02-01"},{"count":1,"d":"2026-02-01","placedMonth":"2026-02-01"},{"count":1,"d":"2026-01-31","placedMonth":"2026-01-01"}]"#,
    ),
    (
        r#"{"group":"placed.year(UTC),placed.week(UTC)","select":"count"}"#,
        r#"[{"count":2,"placedWeek":"2026-01-26","placedYear":"2026-01-01"},{"count":1,"placedWeek":"2026-02-09","placedYear":"2026-01-01"},{"count":2,"placedWeek":null,"placedYear":null}]"#,
    ),
    (
        r#"{"group":"placed.quarter(Europe/Zurich),placed.hour(Asia/Kolkata)","select":"count","filter":"placed != null"}"#,
        r#"[{"count":1,"placedHour":"2026-01-31T23:30:00.000000Z","placedQuarter":"2026-01-01"},{"count":1,"placedHour":"2026-02-01T00:30:00.000000Z","placedQuarter":"2026-01-01"},{"count":1,"placedHour":"2026-02-10T11:30:00.000000Z","placedQuarter":"2026-01-01"}]"#,
    ),
    (r#"{"group":"state","having":"count > 1","sort":"state"}"#, r#"[{"state":"DRAFT"},{"state":"PAID"}]"#),
    (
        r#"{"group":"state","select":"count","having":"sum(number) > 2 && max(total) > $t && count < 5","params":{"t":"5"}}"#,
        r#"[{"count":2,"state":"PAID"}]"#,
    ),
    (
        r#"{"group":"customer.name","select":"t=sum(total)","having":"sum(total) > 1"}"#,
        r#"[{"customerName":"Ann","t":"30.35"}]"#,
    ),
    (
        r#"{"group":"state","select":"count","having":"count(customer.city == 'Bern') == 1 && avg(weight) > 2"}"#,
        r#"[{"count":1,"state":"SENT"},{"count":2,"state":"PAID"}]"#,
    ),
    (
        r#"{"select":"sum(price),count"}"#,
        r#"[{"count":2,"priceCurrency":"EUR","sumPrice":{"amount":"12.50","currency":"EUR"}},{"count":2,"priceCurrency":"USD","sumPrice":{"amount":"5.00","currency":"USD"}},{"count":1,"priceCurrency":null,"sumPrice":null}]"#,
    ),
    (
        r#"{"group":"state","select":"max(price)","filter":"price != null","sort":"-maxPrice","having":"avg(price).amount > 2"}"#,
        r#"[{"maxPrice":{"amount":"7.50","currency":"EUR"},"priceCurrency":"EUR","state":"SENT"},{"maxPrice":{"amount":"5.00","currency":"EUR"},"priceCurrency":"EUR","state":"PAID"},{"maxPrice":{"amount":"3.00","currency":"USD"},"priceCurrency":"USD","state":"PAID"}]"#,
    ),
    (
        r#"{"group":"year=year(date(placed, 'UTC')),month=month(date(placed, 'UTC'))","select":"count","filter":"placed != null"}"#,
        r#"[{"count":1,"month":1,"year":2026},{"count":2,"month":2,"year":2026}]"#,
    ),
    (
        r#"{"group":"price.currency","select":"sum(price),avg(price),max(price)"}"#,
        r#"[{"avgPrice":{"amount":"6.25","currency":"EUR"},"maxPrice":{"amount":"7.50","currency":"EUR"},"priceCurrency":"EUR","sumPrice":{"amount":"12.50","currency":"EUR"}},{"avgPrice":{"amount":"2.50","currency":"USD"},"maxPrice":{"amount":"3.00","currency":"USD"},"priceCurrency":"USD","sumPrice":{"amount":"5.00","currency":"USD"}},{"avgPrice":null,"maxPrice":null,"priceCurrency":null,"sumPrice":null}]"#,
    ),
    (
        r#"{"group":"state","select":"sum(price)","filter":"price.currency == $c","params":{"c":"EUR"},"sort":"-sumPrice","having":"sumPrice.amount > 5"}"#,
        r#"[{"state":"SENT","sumPrice":{"amount":"7.50","currency":"EUR"}}]"#,
    ),
    (r#"{"select":"x=sum(total * number)","filter":"number != null && total != null"}"#, r#"[{"x":"50.70"}]"#),
    (r#"{"select":"x=sum(total * number)"}"#, r#"[{"x":null}]"#),
    (
        r#"{"select":"x=sum(total / 3)"}"#,
        r#""/select: Decimal / Decimal is not defined (character 6); say to how many digits after the point the quotient is rounded: `round(a / b, 2)`""#,
    ),
    (
        r#"{"select":"x=sum(round(total / 3, 2)),y=max(round(total * 3, 0))","filter":"total != null"}"#,
        r#"[{"x":"10.47","y":"61"}]"#,
    ),
    (
        r#"{"select":"sum(double),avg(double)","filter":"total != null"}"#,
        r#"[{"avgDouble":"15.700000","sumDouble":"62.80"}]"#,
    ),
    (
        r#"{"select":"paid=count(state == 'PAID'),heavy=count(weight > $w)","params":{"w":2}}"#,
        r#"[{"heavy":2,"paid":2}]"#,
    ),
    (
        r#"{"group":"first=number == 1 ? total : null","select":"count"}"#,
        r#"[{"count":1,"first":"10.10"},{"count":4,"first":null}]"#,
    ),
    (
        r#"{"group":"gift","select":"count"}"#,
        r#"[{"count":1,"gift":false},{"count":1,"gift":true},{"count":3,"gift":null}]"#,
    ),
    (
        r#"{"group":"big=number > 1","select":"count"}"#,
        r#"[{"big":false,"count":1},{"big":true,"count":3},{"big":null,"count":1}]"#,
    ),
    (
        r#"{"group":"bucket=round(total, 0)","select":"count","filter":"total != null"}"#,
        r#"[{"bucket":"0","count":1},{"bucket":"1","count":1},{"bucket":"10","count":1},{"bucket":"20","count":1}]"#,
    ),
    (r#"{"group":"state"}"#, r#"[{"state":"DRAFT"},{"state":"SENT"},{"state":"PAID"}]"#),
    (
        r#"{"group":"state","select":"avg(total)","having":"avgTotal < 6 && state != 'DRAFT'"}"#,
        r#"[{"avgTotal":"5.075000","state":"PAID"}]"#,
    ),
    (r#"{"group":"total","select":"count","having":"total == 10.1"}"#, r#"[{"count":1,"total":"10.10"}]"#),
    (
        r#"{"group":"customer","select":"count","having":"customer != null && count > 1","sort":"-count"}"#,
        r#"[{"count":2,"customer":"ANN"}]"#,
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_come_to_what_they_should() {
    for app in App::both(MODEL) {
        shop(&app).await;
        let caller = Arc::new(Caller::system());
        let mut wrong = Vec::new();
        for (asked, expected) in TABLE {
            let answer = app.groups(&caller, "Order", asked).await;
            let found = answer.get("items").unwrap_or(&answer).to_string();
            let found = match found.find("\"customer\":\"") {
                Some(at) => format!("{}ANN{}", &found[..at + 12], &found[at + 48..]),
                None => found,
            };
            if found != *expected {
                wrong.push(format!("{} {asked}\n  expected {expected}\n  found    {found}", app.database));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

/// What is wrong, and what is said about it.
const WRONG: &[(&str, &str)] = &[
    (r#"{"select":""}"#, "/select: there is nothing to answer; write values such as select=count, or what to group by"),
    (r#"{"group":"stat","select":"count"}"#, "/group: Order has no field `stat` (character 0); did you mean `state`?"),
    (
        r#"{"group":"state,,number"}"#,
        "/group: a value is missing (character 6); write expressions separated by commas, such as state,month=startOfMonth(createdAt, 'Europe/Zurich')",
    ),
    (r#"{"group":"number + 1"}"#, "/group: `number + 1` has no name (character 0); name it, as in x=number + 1"),
    (
        r#"{"group":"price"}"#,
        "/group: `price` is an amount of money with a currency (character 0); write price.currency or price.amount",
    ),
    (
        r#"{"group":"note"}"#,
        "/group: `note` is a Text, which can be too long to group by (character 0); group by a String",
    ),
    (
        r#"{"group":"state,state"}"#,
        "/group: two values are called `state` (character 6); name one of them, as in state2=state",
    ),
    (r#"{"group":"now=number"}"#, "/group: `now` has a meaning in conditions (character 4); choose another name"),
    (
        r#"{"group":"m=startOfMonth(placed, 'Mars/Base')"}"#,
        "/group: there is no time zone `Mars/Base` (character 23); name a zone of the IANA database, such as `'Europe/Zurich'`, or `'UTC'`",
    ),
    (
        r#"{"select":"state"}"#,
        "/select: `state` can have several values in a group (character 0); fold it, as in max(state), or name it in `group`",
    ),
    (r#"{"select":"count()"}"#, "/select: `count` of nothing (character 0); write count for the number of records"),
    (r#"{"select":"count(*)"}"#, "/select: `count` of nothing (character 0); write count for the number of records"),
    (
        r#"{"select":"count(number)"}"#,
        "/select: `number` is not a condition (character 6); write count(number != null) for the records that have a value, or countDistinct(number)",
    ),
    (
        r#"{"select":"x=sum(note)"}"#,
        "/select: `note` can't be added up (character 6); name a field with a number or an amount",
    ),
    (
        r#"{"select":"average(number)"}"#,
        "/select: `average` is not a function of groups (character 0); write avg(number)",
    ),
    (r#"{"select":"number.sum()"}"#, "/select: `number.sum` is not a function (character 0); write sum(number)"),
    (
        r#"{"select":"median(number)"}"#,
        "/select: `median` is not a function of groups (character 0); the functions are count, countDistinct, sum, avg, min, max",
    ),
    (
        r#"{"select":"x=sum(number == 1 ? price : null)"}"#,
        "select: `number == 1 ? price : null` can be in several currencies, which are never put together; name the currency of each amount in it in `group` (`price.currency`), or one currency in `filter`",
    ),
    (
        r#"{"select":"priceCurrency=count,sum(price)"}"#,
        "select: `price` can be in several currencies, which are never put together; name `price.currency` in `group`, or one currency in `filter`",
    ),
    (
        r#"{"group":"state,placed.minute(UTC)"}"#,
        "/group: records can't be grouped by minute (character 6); the periods are year, quarter, month, week, day and hour",
    ),
    (
        r#"{"group":"placed.month()"}"#,
        "/group: a month has no time zone (character 0); name one, as in placed.month(Europe/Berlin), or UTC",
    ),
    (
        r#"{"group":"state,placed.month(Mars/Base)"}"#,
        "/group: there is no time zone `Mars/Base` (character 6); name a zone of the IANA database, such as `'Europe/Zurich'`, or `'UTC'`",
    ),
    (
        r#"{"select":"avg(took)"}"#,
        "/select: `took` is a length of time, which has no exact average (character 4); ask for its sum and count",
    ),
    (
        r#"{"select":"min(gift)"}"#,
        "/select: `gift` has no least and no greatest value (character 4); name another field",
    ),
    (r#"{"select":"count","sort":"total"}"#, "/sort: the groups have no `total` (character 0); sort by one of count"),
    (r#"{"select":"count","sort":"count desc"}"#, "/sort: the groups have no `count desc` (character 0); write -count"),
    (
        r#"{"select":"count","having":"number > 1"}"#,
        "/having: the groups have no `number` (character 0); name what is in `group` or `select`; to compare fields of records, use `filter`",
    ),
    (
        r#"{"select":"count","having":"sum(note) > 1"}"#,
        "/having: `note` can't be added up (character 4); name a field with a number or an amount",
    ),
    (
        r#"{"select":"count","having":"sum(number) > 1 && sum(totl) > 1"}"#,
        "/having: Order has no field `totl` (character 23); did you mean `total`?",
    ),
    (
        r#"{"select":"count","having":"sum(number) > 'a' && count > 1"}"#,
        "/having: Int and String cannot be compared (character 0); compare it with a value of its own type",
    ),
    (
        r#"{"select":"count","having":"max(number, 1) > 1"}"#,
        "/having: `max` is used as `relation.max(x, x.field)` (character 0); name it in `select`, as in x=max(…), and write x here",
    ),
    (
        r#"{"select":"sum(number)","having":"count > 1","sort":"compared1"}"#,
        "/sort: the groups have no `compared1` (character 0); sort by one of sumNumber",
    ),
    (
        r#"{"select":"count","count":true}"#,
        "/count: the number of records is one of the values of a group; write count in `select`",
    ),
    (r#"{"select":"count","groupBy":"state"}"#, "/groupBy: unknown parameter `groupBy`; write `group`"),
    (
        r#"{"select":"count","after":"AVGJ"}"#,
        "/after: this is not the `next` of a page of the same groups in the same order; send the `group`, `select` and `sort` of that page, or leave out `after` to start over",
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_groups_is_told() {
    let [app, _] = App::both(MODEL);
    let mut wrong = Vec::new();
    for (asked, expected) in WRONG {
        let answer = app.groups(&Arc::new(Caller::system()), "Order", asked).await;
        if !answer.as_str().is_some_and(|found| found.starts_with(expected)) {
            wrong.push(format!("{asked}\n  expected {expected}\n  found    {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_groups_are_all_groups() {
    for app in App::both(MODEL) {
        shop(&app).await;
        let caller = Arc::new(Caller::system());
        for (group, sort) in [
            ("customer.name,state", "-sumTotal"),
            ("customer.name,state", "customerName"),
            ("customer.name,state", "-customerName,-count"),
            ("total,gift", "gift,-total"),
            ("took,placed,number", "-number"),
            ("price.currency", "-priceCurrency"),
        ] {
            let ask = async |more: Value| {
                let mut body = json!({ "group": group, "select": "count,sum(total)", "sort": sort });
                for (name, value) in more.as_object().expect("an object") {
                    body[name] = value.clone();
                }
                app.groups(&caller, "Order", &body.to_string()).await
            };
            let whole = ask(json!({})).await;
            let (mut pages, mut after, mut last) = (Vec::new(), json!({ "limit": 1 }), Value::Null);
            loop {
                let page = ask(after).await;
                pages.extend(page["items"].as_array().expect("groups").iter().cloned());
                if page["next"].is_null() {
                    break;
                }
                last = page["next"].clone();
                after = json!({ "limit": 1, "after": last });
            }
            assert_eq!(Value::from(pages), whole["items"], "{} {group} {sort}", app.database);
            let from = ask(json!({ "after": last })).await;
            let before = ask(json!({ "before": from["prev"], "limit": 100 })).await;
            let all = whole["items"].as_array().expect("groups");
            assert_eq!(before["items"], Value::from(all[..all.len() - 1].to_vec()), "{} {group} {sort}", app.database);
            let skipped = ask(json!({ "skip": 1 })).await;
            assert_eq!(skipped["items"], Value::from(all[1..].to_vec()), "{} {group} {sort}", app.database);
        }
    }
}

/// Records whose fields are hidden in some of them, and records that are hidden.
const HIDDEN: &str = r#"
type User @identity @open { email: Email! @unique }
type Pay @allow(read: "this.shown", create: "false") {
  shown: Boolean!  team: String!
  amount: Int @allow(read: "this.team == 'open'")
  secret: Int @allow(read: "false")
}
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_hidden_is_in_no_group() {
    for app in App::both(HIDDEN) {
        for (shown, team, amount) in [(true, "open", 1), (true, "open", 5), (true, "shut", 100), (false, "open", 1000)]
        {
            let body = json!({ "shown": shown, "team": team, "amount": amount, "secret": amount });
            app.made("Pay", &body.to_string()).await;
        }
        let caller = Arc::new(Caller::anonymous());
        for (asked, expected) in [
            (
                r#"{"group":"team","select":"count,sum(amount),max(amount)"}"#,
                r#"[{"count":2,"maxAmount":5,"sumAmount":6,"team":"open"},{"count":1,"maxAmount":null,"sumAmount":0,"team":"shut"}]"#,
            ),
            (
                r#"{"group":"amount","select":"count"}"#,
                r#"[{"amount":1,"count":1},{"amount":5,"count":1},{"amount":null,"count":1}]"#,
            ),
            (r#"{"select":"n=count(amount > 0),countDistinct(amount)"}"#, r#"[{"countDistinctAmount":2,"n":2}]"#),
        ] {
            let answer = app.groups(&caller, "Pay", asked).await;
            assert_eq!(answer["items"].to_string(), expected, "{} {asked}", app.database);
        }
        for (asked, place) in [
            (r#"{"group":"secret"}"#, "group"),
            (r#"{"select":"sum(secret)"}"#, "select"),
            (r#"{"select":"count","filter":"secret > 1"}"#, "filter"),
        ] {
            let answer = app.groups(&caller, "Pay", asked).await;
            assert!(answer.as_str().is_some_and(|answer| answer.starts_with(place)), "{asked}: {answer}");
        }
    }
}

/// Numbers at random, from one seed to the next the same.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

#[derive(Clone)]
struct Row {
    shown: bool,
    team: &'static str,
    amount: Option<i64>,
    cents: Option<i64>,
}

const TABLE_OF_PAY: &str = r#"
type User @identity @open { email: Email! @unique }
type Pay @allow(read: "this.shown", create: "false") {
  shown: Boolean!  team: String!
  amount: Int @allow(read: "this.team != 'c'")
  total: Decimal @precision(digits: 10, scale: 2)
}
"#;

/// The groups as a program works them out that knows nothing of SQL.
fn by_hand(rows: &[Row], least: i64, having: i64) -> Vec<Value> {
    let mut teams: Vec<&str> = rows.iter().filter(|row| row.shown).map(|row| row.team).collect();
    teams.sort_unstable();
    teams.dedup();
    let mut groups = Vec::new();
    for team in teams {
        let seen = |row: &&Row| row.shown && row.team == team && row.cents.is_some_and(|cents| cents >= least);
        let members: Vec<&Row> = rows.iter().filter(seen).collect();
        let amounts: Vec<i64> = members.iter().filter(|_| team != "c").filter_map(|row| row.amount).collect();
        let cents: Vec<i64> = members.iter().filter_map(|row| row.cents).collect();
        let sum: i64 = cents.iter().sum();
        if members.is_empty() || sum <= having {
            continue;
        }
        let mut different = amounts.clone();
        different.sort_unstable();
        different.dedup();
        let decimal = |cents: i64| format!("{}.{:02}", cents / 100, cents % 100);
        let count = i64::try_from(amounts.len()).expect("few");
        let millionths = amounts.iter().sum::<i64>() * 1_000_000;
        let average = (count > 0).then(|| (millionths * 2 + count) / (count * 2));
        groups.push(json!({
            "team": team,
            "n": members.len(),
            "sumAmount": amounts.iter().sum::<i64>(),
            "countDistinctAmount": different.len(),
            "avgAmount": average.map(|average| format!("{}.{:06}", average / 1_000_000, average % 1_000_000)),
            "maxAmount": amounts.iter().max(),
            "sumTotal": decimal(sum),
            "minTotal": cents.iter().min().map(|cents| decimal(*cents)),
            "big": amounts.iter().filter(|amount| **amount > 3).count(),
        }));
    }
    groups
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_at_random_are_those_that_a_program_finds() {
    let mut dice = Dice(11);
    for app in App::both(TABLE_OF_PAY) {
        let mut rows = Vec::new();
        let caller = Arc::new(Caller::anonymous());
        for _ in 0..60 {
            let maybe = |number: u64, there: u64| (there > 0).then(|| i64::try_from(number).expect("small"));
            let row = Row {
                shown: dice.below(4) > 0,
                team: ["a", "b", "c", "d"][usize::try_from(dice.below(4)).expect("small")],
                amount: maybe(dice.below(8), dice.below(4)),
                cents: maybe(dice.below(5000), dice.below(6)),
            };
            let total = row.cents.map(|cents| format!("{}.{:02}", cents / 100, cents % 100));
            let body = json!({ "shown": row.shown, "team": row.team, "amount": row.amount, "total": total });
            app.made("Pay", &body.to_string()).await;
            rows.push(row);
        }
        for _ in 0..20 {
            let (least, having) = (dice.below(4000), dice.below(9000));
            let decimal = |cents: u64| format!("{}.{:02}", cents / 100, cents % 100);
            let body = json!({
                "group": "team",
                "select": "n=count,sum(amount),countDistinct(amount),avg(amount),max(amount),sum(total),min(total),big=count(amount > 3)",
                "filter": "total >= $least",
                "having": "sumTotal > $having",
                "params": { "least": decimal(least), "having": decimal(having) },
            });
            let answer = app.groups(&caller, "Pay", &body.to_string()).await;
            let signed = |number: u64| i64::try_from(number).expect("small");
            let expected = by_hand(&rows, signed(least), signed(having));
            assert_eq!(answer["items"], Value::from(expected), "{} {body}", app.database);
        }
    }
}
