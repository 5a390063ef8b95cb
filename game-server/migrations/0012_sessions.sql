-- When a session was last used, to the day: an unused one ends. 0 for those of before, which count from now on.
ALTER TABLE sessions ADD COLUMN used_at_ms BIGINT NOT NULL DEFAULT 0;
CREATE INDEX sessions_by_use ON sessions (used_at_ms);

-- What this server is, apart from its settings: `identity` is in the name of its cookie.
CREATE TABLE server (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
