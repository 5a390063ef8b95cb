-- Ratings on a usual scale: 1500 points and a deviation of 200 for a newcomer, as in `game-server/src/rating.rs`.
--
-- Until now a newcomer had a mean of 25 and a deviation of 25/3, and people saw mean − 2 deviations, which moved by
-- hundreds of points in one round. The new numbers are the old ones times 24, which turns 25/3 into 200, around 1500.
-- People see the mean; a player whose deviation is above 72 is marked as provisional.

-- Grows with each settled round: of two states of a row, the one with the greater revision is newer.
ALTER TABLE players ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;
-- Kept to sort by: players whose rating is uncertain come after the others.
ALTER TABLE players ADD COLUMN provisional BIGINT NOT NULL DEFAULT 1;

UPDATE players SET mean = 1500.0 + (mean - 25.0) * 24.0, deviation = deviation * 24.0 WHERE mean IS NOT NULL;
UPDATE players SET
    mean = CASE WHEN mean < 400.0 THEN 400.0 WHEN mean > 3000.0 THEN 3000.0 ELSE mean END,
    deviation = CASE WHEN deviation < 60.0 THEN 60.0 WHEN deviation > 200.0 THEN 200.0 ELSE deviation END
    WHERE mean IS NOT NULL;
UPDATE players SET
    rating = CAST(ROUND(COALESCE(mean, 1500.0)) AS BIGINT),
    provisional = CASE WHEN deviation <= 72.0 THEN 0 ELSE 1 END;

DROP INDEX players_by_rating;
CREATE INDEX players_by_standing ON players (provisional, rating DESC, points DESC);

-- The rating before the round, and the revision of the player's row after it. Both are null for ratings on the old
-- scale: those are kept, and no curve shows them.
ALTER TABLE rating_history ADD COLUMN rating_before BIGINT;
ALTER TABLE rating_history ADD COLUMN revision BIGINT;
CREATE INDEX rating_history_by_revision ON rating_history (player, revision);
