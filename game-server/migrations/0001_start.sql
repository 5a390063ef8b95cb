-- SQLite and PostgreSQL both understand this. Ids are 60-bit numbers, times milliseconds since 1970,
-- truth values 0 and 1.

CREATE TABLE players (
    id            BIGINT PRIMARY KEY,
    name          TEXT NOT NULL,
    bot           BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    -- Nothing until the first rated round.
    mean          DOUBLE PRECISION,
    deviation     DOUBLE PRECISION,
    -- What people see of the two, kept to sort by.
    rating        BIGINT NOT NULL,
    points        BIGINT NOT NULL DEFAULT 0,
    knockouts     BIGINT NOT NULL DEFAULT 0,
    falls         BIGINT NOT NULL DEFAULT 0,
    rounds        BIGINT NOT NULL DEFAULT 0,
    wins          BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX players_by_rating ON players (rating DESC, points DESC);

CREATE TABLE sessions (
    -- SHA-256 in hexadecimal: the token itself is with the player alone.
    token_hash    TEXT PRIMARY KEY,
    player        BIGINT NOT NULL REFERENCES players (id),
    created_at_ms BIGINT NOT NULL
);

CREATE TABLE replays (
    id            BIGINT PRIMARY KEY,
    room          BIGINT NOT NULL,
    mode          TEXT NOT NULL,
    started_at_ms BIGINT NOT NULL,
    ticks         BIGINT NOT NULL,
    bytes         BIGINT NOT NULL,
    complete      BIGINT NOT NULL
);
CREATE INDEX replays_by_start ON replays (started_at_ms);

CREATE TABLE replay_players (
    replay BIGINT NOT NULL REFERENCES replays (id),
    place  BIGINT NOT NULL,
    player BIGINT NOT NULL,
    name   TEXT NOT NULL,
    bot    BIGINT NOT NULL,
    points BIGINT NOT NULL,
    team   BIGINT,
    PRIMARY KEY (replay, place)
);
CREATE INDEX replay_players_by_player ON replay_players (player, replay);

CREATE TABLE rating_history (
    player BIGINT NOT NULL REFERENCES players (id),
    replay BIGINT NOT NULL,
    at_ms  BIGINT NOT NULL,
    rating BIGINT NOT NULL,
    PRIMARY KEY (player, at_ms, replay)
);

CREATE TABLE chat_lines (
    sequence BIGINT PRIMARY KEY,
    at_ms    BIGINT NOT NULL,
    kind     TEXT NOT NULL,
    room     BIGINT,
    team     BIGINT,
    receiver BIGINT,
    sender   BIGINT NOT NULL,
    name     TEXT NOT NULL,
    text     TEXT NOT NULL
);
CREATE INDEX chat_lines_by_kind ON chat_lines (kind, sequence);
CREATE INDEX chat_lines_by_room ON chat_lines (room, sequence);
CREATE INDEX chat_lines_by_sender ON chat_lines (kind, sender, sequence);
CREATE INDEX chat_lines_by_receiver ON chat_lines (kind, receiver, sequence);
