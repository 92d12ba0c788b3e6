-- Which store this is, whoever has copies of it: batches that are shipped elsewhere are
-- known by it, their sensor, tick and number.
INSERT INTO about (key, value) VALUES ('id', lower(hex(randomblob(16))));

-- How far the batches have been shipped, in one row; none: they are not. With it, the
-- second and later batches of a tick keep their blocks when they are sealed, so that each
-- batch of a tick can be told from the others for as long as there are points.
CREATE TABLE outbox (
    only         INTEGER PRIMARY KEY CHECK (only = 1),
    since        INTEGER NOT NULL, -- id of the newest batch when it was begun: what is up to it is not shipped
    shipped      INTEGER NOT NULL, -- id of the last batch that is known to have arrived, and all between
    batches      INTEGER NOT NULL, -- that have
    points       INTEGER NOT NULL,
    lost_batches INTEGER NOT NULL, -- given up before they could be shipped
    lost_points  INTEGER NOT NULL
);
