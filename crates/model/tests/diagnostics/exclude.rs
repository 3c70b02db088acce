//! `@exclude`.

use insta::assert_snapshot;

use crate::told;

#[test]
fn what_a_range_can_be() {
    let model = r#"
type Booking @allow(read: "true")
  @exclude(from: "start", to: "end")
  @exclude(from: "start", to: "end")
  @exclude(from: "start", to: "start")
  @exclude(from: "start", to: "day")
  @exclude(from: "name", to: "end")
  @exclude(from: "begin", to: "ende")
  @exclude(from: "createdAt", to: "end")
  @exclude(from: "soon", to: "end")
  @exclude(from: "hidden", to: "end")
  @exclude(fields: ["start"], from: "start", to: "end")
  @exclude(fields: ["room", "room", "text", "rom", "list"], from: "start", to: "end")
  @exclude(fields: "room", from: "start", to: "end", where: "this.name != null") {
  room: Int
  name: String
  text: Text
  list: [Int!]
  day: Date
  start: DateTime
  end: DateTime
  soon: DateTime @computed(is: "this.start")
  hidden: DateTime @class(is: SECRET)
}
"#;
    assert_snapshot!(told(model.trim_start()));
}

#[test]
fn it_is_written_on_a_type_with_both_bounds() {
    let model = r#"
type Booking @allow(read: "true") @exclude(from: "start") @exclude(fields: 1, from: "start", to: "end") {
  start: Int @exclude(from: "start", to: "end")
  end: Int
}
type Other @allow(read: "true") @noOverlap(start: "start", end: "end") @exclude(start: "start", end: "end") { start: Int, end: Int }
"#;
    assert_snapshot!(told(model.trim_start()));
}
