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

/// What has the focus while a key is pressed: a key is the focus's own before it is the recording's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Focus {
    /// Text is written there, or a question stands in front of the page.
    Writing,
    /// A button or a link, which space and Enter press.
    Pressable {
        /// Among the controls of the recording.
        in_theatre: bool,
    },
    /// The recording.
    Theatre,
    /// The rest of the page, which arrows and page keys scroll.
    Page,
}

/// The order of a key, named as in `KeyboardEvent.key`.
pub fn order_of_key(key: &str, focus: Focus) -> Option<Order> {
    let (is_pressable, is_theatre) = match focus {
        Focus::Writing => return None,
        Focus::Pressable { in_theatre } => (true, in_theatre),
        Focus::Theatre => (false, true),
        Focus::Page => (false, false),
    };
    let presses = matches!(key, " " | "Enter");
    let scrolls = key.starts_with("Arrow") || matches!(key, "PageUp" | "PageDown" | "Home" | "End");
    if (presses && is_pressable) || (scrolls && !is_theatre) {
        return None;
    }
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
