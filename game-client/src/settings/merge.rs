//! Merging the settings of two clients that run with the same profile: what one of them changed is kept.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::lenient::Object;

/// Fields that are merged entry by entry. Other objects change as a whole.
const MAPS: [&str; 4] = ["tokens", "known_names", "bindings", "volumes"];

/// What both have changed since `base`. Where both have changed the same value, `mine` stays.
pub(super) fn merge(base: &Object, mine: &Object, theirs: &Object) -> Object {
    with_all_keys(base, mine, theirs, |key, base, mine, theirs| match (mine, theirs) {
        (Some(Value::Object(mine)), Some(Value::Object(theirs))) if MAPS.contains(&key) => {
            let empty = Object::new();
            let base = base.and_then(Value::as_object).unwrap_or(&empty);
            Value::Object(with_all_keys(base, mine, theirs, |_, _, mine, theirs| {
                mine.or(theirs).cloned().unwrap_or_default()
            }))
        }
        (Some(Value::Array(mine)), Some(Value::Array(theirs))) => {
            Value::Array(merge_lists(base.and_then(Value::as_array), mine, theirs))
        }
        (mine, theirs) => mine.or(theirs).cloned().unwrap_or_default(),
    })
}

/// Goes through the keys of all three. `conflict` decides about values that both have changed in different ways.
fn with_all_keys(
    base: &Object,
    mine: &Object,
    theirs: &Object,
    conflict: impl Fn(&str, Option<&Value>, Option<&Value>, Option<&Value>) -> Value,
) -> Object {
    let keys: BTreeSet<&String> = mine.keys().chain(theirs.keys()).collect();
    let merged = keys.into_iter().filter_map(|key| {
        let (base, mine, theirs) = (base.get(key), mine.get(key), theirs.get(key));
        let value = if mine == theirs || theirs == base {
            mine?.clone()
        } else if mine == base {
            theirs?.clone()
        } else {
            conflict(key, base, mine, theirs)
        };
        Some((key.clone(), value))
    });
    merged.collect()
}

/// Their list without what I have removed, and with what I have added.
fn merge_lists(base: Option<&Vec<Value>>, mine: &[Value], theirs: &[Value]) -> Vec<Value> {
    let was_there = |value: &Value| base.is_some_and(|base| base.contains(value));
    let kept = theirs.iter().filter(|value| mine.contains(value) || !was_there(value));
    let added = mine.iter().filter(|value| !was_there(value) && !theirs.contains(value));
    kept.chain(added).cloned().collect()
}

/// Where both clients got an identity on the same server, theirs becomes a previous identity of mine: the player can
/// return to it.
pub(super) fn keep_both_identities(base: &Object, mine: &mut Object, theirs: &Object) {
    let token =
        |of: &Object, server: &str| of.get("tokens")?.get(server)?.as_str().map(str::to_owned);
    let Some(Value::Object(tokens)) = theirs.get("tokens") else { return };
    let name = theirs.get("name").and_then(Value::as_str).unwrap_or_default();
    for (server, their_token) in tokens {
        let (before, own) = (token(base, server), token(mine, server));
        let is_conflict = own.is_some() && own != before && own.as_deref() != their_token.as_str();
        if is_conflict && before.as_deref() != their_token.as_str() {
            let other = json!({ "server": server, "name": name, "token": their_token });
            let former = mine.entry("former").or_insert_with(|| json!([]));
            if let Some(former) = former.as_array_mut()
                && !former.contains(&other)
            {
                former.push(other);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::lenient::Object;
    use super::{keep_both_identities, merge};

    fn object(value: Value) -> Object {
        value.as_object().cloned().expect("an object")
    }

    #[test]
    fn what_each_of_two_clients_changed_is_kept() {
        let base = object(json!({ "shake": true, "ui_scale": 1.0, "ignored": ["a", "b"],
            "tokens": { "http://h": "1" }, "last_seat": { "server": "http://h", "room": "A" } }));
        let mine = object(json!({ "shake": false, "ui_scale": 1.0, "ignored": ["b", "c"],
            "tokens": { "http://h": "1", "http://i": "2" }, "last_seat": null }));
        let theirs = object(json!({ "shake": true, "ui_scale": 1.5, "ignored": ["a", "b", "d"],
            "tokens": { "http://h": "1", "http://j": "3" }, "hats": 2,
            "last_seat": { "server": "http://h", "room": "A" } }));

        let merged = merge(&base, &mine, &theirs);

        let expected = object(json!({ "shake": false, "ui_scale": 1.5, "ignored": ["b", "d", "c"],
            "tokens": { "http://h": "1", "http://i": "2", "http://j": "3" }, "hats": 2,
            "last_seat": null }));
        assert_eq!(merged, expected);
    }

    #[test]
    fn of_two_identities_on_one_server_none_is_lost() {
        let base = object(json!({ "tokens": {} }));
        let mut mine = object(json!({ "name": "Ada", "tokens": { "http://h": "mine" } }));
        let theirs = object(json!({ "name": "Bea", "tokens": { "http://h": "theirs" } }));

        keep_both_identities(&base, &mut mine, &theirs);
        let merged = merge(&base, &mine, &theirs);

        assert_eq!(merged["tokens"]["http://h"], "mine");
        let other = json!([{ "server": "http://h", "name": "Bea", "token": "theirs" }]);
        assert_eq!(merged["former"], other);
    }
}
