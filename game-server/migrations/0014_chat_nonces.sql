-- The number that the author's client gave the line, so that it is said once when the client sends it again to another
-- server of the same database. Null for lines of before.
ALTER TABLE chat_lines ADD COLUMN nonce BIGINT;
