use std::collections::BTreeSet;

use backstay_engine::Answer;
use backstay_jobs::State;

use crate::support::{Shop, anybody};

/// Each change queues the job that the model says, with what has changed, and none if its condition isn't true.
#[tokio::test(flavor = "multi_thread")]
async fn changes_queue_jobs() {
    let shop = Shop::open();
    let id = shop.create(r#"{"title":"One","total":5}"#).await;
    shop.update(id, r#"{"title":"Two"}"#).await;
    shop.update(id, r#"{"total":6,"title":"Three"}"#).await;
    let client = shop.app.client();
    client.answer(&anybody(), client.delete("Order", id)).await.expect("it goes to the trash");
    shop.run().await;
    let note =
        |changed: &str, event: &str| format!(r#"note {{"changed":[{changed}],"event":"{event}","id":"{id}"}} #1"#);
    let expected =
        [note(r#""title","total","state""#, "CREATE"), note(r#""title","total""#, "UPDATE"), note("", "DELETE")];
    assert_eq!(shop.ran(), expected);
}

/// A transition queues its job once.
#[tokio::test(flavor = "multi_thread")]
async fn a_transition_queues_a_job() {
    let shop = Shop::open();
    let id = shop.create(r#"{"title":"One","total":5}"#).await;
    shop.update(id, r#"{"state":"PAID"}"#).await;
    shop.update(id, r#"{"title":"Two"}"#).await;
    shop.run().await;
    let sent: Vec<String> = shop.ran().into_iter().filter(|ran| ran.starts_with("send")).collect();
    assert_eq!(sent, [format!("send {{\"id\":\"{id}\"}} #1")]);
}

/// What is refused queues nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_change_queues_nothing() {
    let shop = Shop::open();
    let client = shop.app.client();
    let refused = client.answer(&anybody(), client.create("Order", r#"{"title":"One"}"#).expect("a create")).await;
    assert!(refused.is_err());
    assert_eq!(shop.states().await, [""; 0]);
}

const DESK: &str = r#"
extend schema @app(name: "Desk")

type Person @identity @allow(read: "true", create: "true") { email: Email! @unique }

type Team @trash(keep: "30d") @allow(read: "true", create: "true", delete: "true") {
  lead: Person!
  tickets: [Ticket!]
}

type Watch @allow(read: "true", create: "true") {
  ticket: Ticket! @onDelete(do: CASCADE)
  person: Person!
}

type Ticket @allow(read: "true", create: "true", update: "true")
  @notify(on: UPDATE, to: ["watches.person", "teams.lead"], channel: MAIL, template: "changed") {
  title: String!
  watches: [Watch!] @inverse(field: "ticket")
  teams: [Team!] @inverse(field: "tickets")
}

type Mutation { note(id: ID!): Boolean @function @job }
"#;

/// The accounts for which notifications are queued.
async fn notified(shop: &Shop) -> BTreeSet<String> {
    let jobs = shop.jobs.list(&State::ALL, 2000).await.expect("a list");
    let to = |input: &str| {
        let (_, to) = input.split_once(r#""to":""#).expect("an account");
        to.split_once('"').expect("its end").0.to_owned()
    };
    let all: Vec<String> = jobs.iter().map(|job| to(&job.input)).collect();
    let each: BTreeSet<String> = all.iter().cloned().collect();
    assert_eq!(all.len(), each.len(), "nobody is notified twice");
    each
}

async fn made(shop: &Shop, of: &str, bodies: &[String]) -> Vec<String> {
    let client = shop.app.client();
    let requests = bodies.iter().map(|body| client.create(of, body).expect("a create")).collect();
    let answers = client.answer_all(&anybody(), requests, None).await.expect("they are created");
    let id = |answer: Option<Answer>| match answer {
        Some(Answer::Written(written)) => written.ids[0].to_string(),
        other => unreachable!("{other:?}"),
    };
    answers.into_iter().map(id).collect()
}

async fn people(shop: &Shop, count: usize) -> Vec<String> {
    let bodies: Vec<String> = (0..count).map(|n| format!(r#"{{"email":"p{n}@example.org"}}"#)).collect();
    let mut ids = Vec::new();
    for some in bodies.chunks(100) {
        ids.extend(made(shop, "Person", some).await);
    }
    ids
}

async fn change(shop: &Shop, ticket: &str) {
    let client = shop.app.client();
    let update = client.update("Ticket", ticket.parse().expect("an id"), r#"{"title":"Two"}"#);
    client.answer(&anybody(), update.expect("an update")).await.expect("it is updated");
}

/// Whoever may watch a ticket can't keep others from changing it: the first thousand are notified.
#[tokio::test(flavor = "multi_thread")]
async fn many_who_watch_keep_nobody_from_a_change() {
    let shop = Shop::with(DESK);
    let people = people(&shop, 1003).await;
    let ticket = &made(&shop, "Ticket", &[r#"{"title":"One"}"#.to_owned()]).await[0];
    let watches: Vec<String> =
        people.iter().map(|person| format!(r#"{{"ticket":"{ticket}","person":"{person}"}}"#)).collect();
    for some in watches.chunks(100) {
        made(&shop, "Watch", some).await;
    }
    change(&shop, ticket).await;
    assert_eq!(notified(&shop).await, people[..1000].iter().cloned().collect());
}

/// Nor from changing many of them at once.
#[tokio::test(flavor = "multi_thread")]
async fn many_who_watch_keep_nobody_from_many_changes() {
    let shop = Shop::with(DESK);
    let people = people(&shop, 1000).await;
    let tickets = made(&shop, "Ticket", &std::array::from_fn::<_, 11, _>(|_| r#"{"title":"One"}"#.to_owned())).await;
    for ticket in &tickets {
        let watches: Vec<String> =
            people.iter().map(|person| format!(r#"{{"ticket":"{ticket}","person":"{person}"}}"#)).collect();
        for some in watches.chunks(100) {
            made(&shop, "Watch", some).await;
        }
    }
    let client = shop.app.client();
    let update = |ticket: &String| client.update("Ticket", ticket.parse().expect("an id"), r#"{"title":"Two"}"#);
    let updates = tickets.iter().map(|ticket| update(ticket).expect("an update")).collect();
    client.answer_all(&anybody(), updates, None).await.expect("all are updated");
    assert_eq!(shop.jobs.list(&State::ALL, 20_000).await.expect("a list").len(), 10_000);
}

/// However many records in the trash stand before those that are there.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_trash_leads_to_nobody() {
    let shop = Shop::with(DESK);
    let people = people(&shop, 2).await;
    let ticket = &made(&shop, "Ticket", &[r#"{"title":"One"}"#.to_owned()]).await[0];
    let team = |lead: &str| format!(r#"{{"lead":"{lead}","tickets":["{ticket}"]}}"#);
    let gone: Vec<String> = std::iter::repeat_n(team(&people[0]), 1001).collect();
    let client = shop.app.client();
    for some in gone.chunks(77) {
        let ids = made(&shop, "Team", some).await;
        let requests = ids.iter().map(|id| client.delete("Team", id.parse().expect("an id"))).collect();
        client.answer_all(&anybody(), requests, None).await.expect("they go to the trash");
    }
    made(&shop, "Team", &[team(&people[1])]).await;
    change(&shop, ticket).await;
    assert_eq!(notified(&shop).await, BTreeSet::from([people[1].clone()]));
}
