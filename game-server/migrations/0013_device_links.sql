-- Codes that sign another program in: each works once, for a minute, and no longer than the session that asked for it.
CREATE TABLE device_links (
    -- SHA-256 in hexadecimal, as that of a session's token.
    code_hash     TEXT PRIMARY KEY,
    player        BIGINT NOT NULL REFERENCES players (id),
    session       TEXT NOT NULL,
    expires_at_ms BIGINT NOT NULL
);
CREATE INDEX device_links_by_end ON device_links (expires_at_ms);
