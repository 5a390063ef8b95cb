//! What the keys mean while a recording plays.

/// What a key or a button asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Order {
    /// Play or pause.
    Toggle,
    /// So many seconds ahead, or back.
    Skip {
        seconds: f64,
    },
    /// So many pictures ahead, or back; pauses.
    Step {
        frames: f64,
    },
    /// To a part of the whole, from 0 to 1.
    Part {
        part: f64,
    },
    /// At this one of the speeds.
    Speed {
        number: usize,
    },
    Faster,
    Slower,
    FullScreen,
    /// Show or hide what is to come.
    Spoilers,
}

/// The order of a key, named as in `KeyboardEvent.key`.
pub fn order_of_key(key: &str) -> Option<Order> {
    Some(match key {
        " " | "k" => Order::Toggle,
        "ArrowLeft" => Order::Skip { seconds: -5.0 },
        "ArrowRight" => Order::Skip { seconds: 5.0 },
        "j" | "PageDown" => Order::Skip { seconds: -15.0 },
        "l" | "PageUp" => Order::Skip { seconds: 15.0 },
        "," => Order::Step { frames: -1.0 },
        "." => Order::Step { frames: 1.0 },
        "Home" => Order::Part { part: 0.0 },
        "End" => Order::Part { part: 1.0 },
        "+" | "=" | ">" | "ArrowUp" => Order::Faster,
        "-" | "<" | "ArrowDown" => Order::Slower,
        "f" => Order::FullScreen,
        "h" => Order::Spoilers,
        other => {
            let digit = other.parse::<u8>().ok().filter(|digit| *digit <= 9)?;
            Order::Part { part: f64::from(digit) / 10.0 }
        }
    })
}
