-- A page of the list of replays costs the same however long the list is, with every filter.

CREATE INDEX replays_by_mode ON replays (mode, id);

-- The mode of the replay, once more: for the page of one player and one mode.
ALTER TABLE replay_players ADD COLUMN mode TEXT NOT NULL DEFAULT '';
UPDATE replay_players SET mode = (SELECT r.mode FROM replays r WHERE r.id = replay_players.replay);
CREATE INDEX replay_players_by_player_and_mode ON replay_players (player, mode, replay);
