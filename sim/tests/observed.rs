//! The simulator and the real server, asked the same questions about the same configuration.

use confd_sim::{Cluster, answer::answer};
use serde_json::{Value, json};

fn data(text: &str) -> Value {
    serde_json::from_str(text).expect("test data is JSON")
}

/// What the simulator says, as the signed text reads; null for silence.
fn said(cluster: &Cluster, case: &Value) -> Value {
    let kind = case["type"].as_i64().expect("a type number");
    let reply = answer(cluster, &[], kind, case["query"].to_string().as_bytes());
    reply.map_or(Value::Null, |reply| data(&reply.text()))
}

/// Numbers by value: the real server writes 1.5e1 and 32 where others write 15.0 and 32.0.
fn plain_numbers(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(list) => list.iter().map(plain_numbers).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), plain_numbers(value))).collect())
        }
        other => other.clone(),
    }
}

fn compare(cluster: &Cluster, cases: &Value) -> usize {
    let cases = cases.as_array().expect("a list of cases");
    let mut differences = String::new();
    for case in cases {
        let (said, real) = (plain_numbers(&said(cluster, case)), plain_numbers(&case["reply"]));
        if said != real {
            let (kind, query) = (&case["type"], &case["query"]);
            differences += &format!("\ntype {kind} query {query}\n  real: {real}\n  here: {said}");
        }
    }
    assert!(differences.is_empty(), "{differences}");
    cases.len()
}

#[test]
fn every_type_is_answered_as_the_real_server_answers_about_the_example_cluster() {
    let observed = data(include_str!("data/observed.json"));
    assert!(compare(&Cluster::default(), &observed["queries"]) > 100);
}
