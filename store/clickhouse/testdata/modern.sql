CREATE DATABASE IF NOT EXISTS `packetheat`;

CREATE TABLE IF NOT EXISTS `packetheat`.`about` (
  `name` String,
  `value` String,
  `changed` DateTime('UTC')
) ENGINE = ReplacingMergeTree(changed)
ORDER BY (name);

CREATE TABLE IF NOT EXISTS `packetheat`.`points` (
  `sensor` LowCardinality(String),
  `origin` LowCardinality(String),
  `time` DateTime('UTC') CODEC(ZSTD(1)),
  `seconds` UInt8 CODEC(ZSTD(1)),
  `seq` UInt32 CODEC(ZSTD(1)),
  `shipment` UInt64 CODEC(ZSTD(1)),
  `addr` FixedString(16) CODEC(ZSTD(1)),
  `addr_bits` UInt8 CODEC(ZSTD(1)),
  `addr_family` UInt8 CODEC(ZSTD(1)),
  `peer` FixedString(16) CODEC(ZSTD(1)),
  `peer_bits` UInt8 CODEC(ZSTD(1)),
  `peer_family` UInt8 CODEC(ZSTD(1)),
  `direction` UInt8 CODEC(ZSTD(1)),
  `proto` UInt8 CODEC(ZSTD(1)),
  `port` UInt16 CODEC(ZSTD(1)),
  `has_port` UInt8 CODEC(ZSTD(1)),
  `latitude` Float64 CODEC(ZSTD(1)),
  `longitude` Float64 CODEC(ZSTD(1)),
  `country` LowCardinality(String),
  `region` LowCardinality(String),
  `city` LowCardinality(String),
  `precision` UInt8 CODEC(ZSTD(1)),
  `accuracy_km` UInt16 CODEC(ZSTD(1)),
  `asn` UInt32 CODEC(ZSTD(1)),
  `as_org` LowCardinality(String),
  `packets` UInt64 CODEC(T64, ZSTD(1)),
  `bytes` UInt64 CODEC(T64, ZSTD(1)),
  `opens` UInt64 CODEC(ZSTD(1)),
  `flags` UInt8 CODEC(ZSTD(1)),
  INDEX `find_addr` `addr` TYPE bloom_filter(0.01) GRANULARITY 1,
  INDEX `find_peer` `peer` TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = MergeTree()
PARTITION BY toYYYYMMDD(time)
ORDER BY (sensor, toStartOfTenMinutes(time), country, latitude, longitude, addr, peer, proto, port, direction, time)
PRIMARY KEY (sensor, toStartOfTenMinutes(time), country, latitude, longitude, addr)
TTL time + INTERVAL 30 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS `packetheat`.`batches` (
  `sensor` LowCardinality(String),
  `origin` LowCardinality(String),
  `tick` DateTime('UTC'),
  `seconds` UInt8,
  `seq` UInt32,
  `on_ns` Int64,
  `off_ns` Int64,
  `points` UInt64,
  `ring` UInt64,
  `drops` UInt64,
  `freezes` UInt64,
  `frames` UInt64,
  `captured_packets` UInt64,
  `captured_bytes` UInt64,
  `filtered_packets` UInt64,
  `filtered_bytes` UInt64,
  `non_ip_packets` UInt64,
  `non_ip_bytes` UInt64,
  `undecodable_packets` UInt64,
  `undecodable_bytes` UInt64,
  `decoded_packets` UInt64,
  `decoded_bytes` UInt64,
  `local_only_packets` UInt64,
  `local_only_bytes` UInt64,
  `one_public_packets` UInt64,
  `one_public_bytes` UInt64,
  `two_public_packets` UInt64,
  `two_public_bytes` UInt64,
  `folded_packets` UInt64,
  `folded_bytes` UInt64,
  `late_packets` UInt64,
  `late_bytes` UInt64,
  `points_packets` UInt64,
  `points_bytes` UInt64,
  `points_opens` UInt64,
  `unlocated_packets` UInt64,
  `unlocated_bytes` UInt64,
  `unlocated_opens` UInt64,
  `geo` LowCardinality(String),
  `version` LowCardinality(String),
  `sent` DateTime('UTC'),
  `received` DateTime('UTC') DEFAULT now()
) ENGINE = ReplacingMergeTree()
PARTITION BY toYYYYMM(tick)
ORDER BY (sensor, tick, origin, seq);

CREATE TABLE IF NOT EXISTS `packetheat`.`place_10m` (
  `sensor` LowCardinality(String),
  `origin` LowCardinality(String),
  `start` DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
  `latitude` Float64 CODEC(ZSTD(1)),
  `longitude` Float64 CODEC(ZSTD(1)),
  `country` LowCardinality(String),
  `region` LowCardinality(String),
  `city` LowCardinality(String),
  `precision` UInt8 CODEC(ZSTD(1)),
  `accuracy_km` UInt16 CODEC(ZSTD(1)),
  `direction` UInt8 CODEC(ZSTD(1)),
  `proto` UInt8 CODEC(ZSTD(1)),
  `packets` UInt64 CODEC(T64, ZSTD(1)),
  `bytes` UInt64 CODEC(T64, ZSTD(1)),
  `opens` UInt64 CODEC(ZSTD(1)),
  `points` UInt64 CODEC(ZSTD(1)),
  `first` SimpleAggregateFunction(min, DateTime('UTC')) CODEC(ZSTD(1)),
  `last` SimpleAggregateFunction(max, DateTime('UTC')) CODEC(ZSTD(1))
) ENGINE = SummingMergeTree()
PARTITION BY toMonday(start)
ORDER BY (sensor, start, `latitude`, `longitude`, `country`, `region`, `city`, `precision`, `accuracy_km`, `direction`, `proto`, origin)
PRIMARY KEY (sensor, start)
TTL start + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS `packetheat`.`place_1h` (
  `sensor` LowCardinality(String),
  `origin` LowCardinality(String),
  `start` DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
  `latitude` Float64 CODEC(ZSTD(1)),
  `longitude` Float64 CODEC(ZSTD(1)),
  `country` LowCardinality(String),
  `region` LowCardinality(String),
  `city` LowCardinality(String),
  `precision` UInt8 CODEC(ZSTD(1)),
  `accuracy_km` UInt16 CODEC(ZSTD(1)),
  `direction` UInt8 CODEC(ZSTD(1)),
  `proto` UInt8 CODEC(ZSTD(1)),
  `packets` UInt64 CODEC(T64, ZSTD(1)),
  `bytes` UInt64 CODEC(T64, ZSTD(1)),
  `opens` UInt64 CODEC(ZSTD(1)),
  `points` UInt64 CODEC(ZSTD(1)),
  `first` SimpleAggregateFunction(min, DateTime('UTC')) CODEC(ZSTD(1)),
  `last` SimpleAggregateFunction(max, DateTime('UTC')) CODEC(ZSTD(1))
) ENGINE = SummingMergeTree()
PARTITION BY toYYYYMM(start)
ORDER BY (sensor, start, `latitude`, `longitude`, `country`, `region`, `city`, `precision`, `accuracy_km`, `direction`, `proto`, origin)
PRIMARY KEY (sensor, start)
TTL start + INTERVAL 730 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS `packetheat`.`place_1d` (
  `sensor` LowCardinality(String),
  `origin` LowCardinality(String),
  `start` DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
  `latitude` Float64 CODEC(ZSTD(1)),
  `longitude` Float64 CODEC(ZSTD(1)),
  `country` LowCardinality(String),
  `region` LowCardinality(String),
  `city` LowCardinality(String),
  `precision` UInt8 CODEC(ZSTD(1)),
  `accuracy_km` UInt16 CODEC(ZSTD(1)),
  `direction` UInt8 CODEC(ZSTD(1)),
  `proto` UInt8 CODEC(ZSTD(1)),
  `packets` UInt64 CODEC(T64, ZSTD(1)),
  `bytes` UInt64 CODEC(T64, ZSTD(1)),
  `opens` UInt64 CODEC(ZSTD(1)),
  `points` UInt64 CODEC(ZSTD(1)),
  `first` SimpleAggregateFunction(min, DateTime('UTC')) CODEC(ZSTD(1)),
  `last` SimpleAggregateFunction(max, DateTime('UTC')) CODEC(ZSTD(1))
) ENGINE = SummingMergeTree()
PARTITION BY toYear(start)
ORDER BY (sensor, start, `latitude`, `longitude`, `country`, `region`, `city`, `precision`, `accuracy_km`, `direction`, `proto`, origin)
PRIMARY KEY (sensor, start)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS `packetheat`.`asn_10m` (
  `sensor` LowCardinality(String),
  `origin` LowCardinality(String),
  `start` DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
  `asn` UInt32 CODEC(ZSTD(1)),
  `as_org` LowCardinality(String),
  `country` LowCardinality(String),
  `direction` UInt8 CODEC(ZSTD(1)),
  `proto` UInt8 CODEC(ZSTD(1)),
  `packets` UInt64 CODEC(T64, ZSTD(1)),
  `bytes` UInt64 CODEC(T64, ZSTD(1)),
  `opens` UInt64 CODEC(ZSTD(1)),
  `points` UInt64 CODEC(ZSTD(1)),
  `first` SimpleAggregateFunction(min, DateTime('UTC')) CODEC(ZSTD(1)),
  `last` SimpleAggregateFunction(max, DateTime('UTC')) CODEC(ZSTD(1))
) ENGINE = SummingMergeTree()
PARTITION BY toMonday(start)
ORDER BY (sensor, start, `asn`, `as_org`, `country`, `direction`, `proto`, origin)
PRIMARY KEY (sensor, start)
TTL start + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS `packetheat`.`asn_1h` (
  `sensor` LowCardinality(String),
  `origin` LowCardinality(String),
  `start` DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
  `asn` UInt32 CODEC(ZSTD(1)),
  `as_org` LowCardinality(String),
  `country` LowCardinality(String),
  `direction` UInt8 CODEC(ZSTD(1)),
  `proto` UInt8 CODEC(ZSTD(1)),
  `packets` UInt64 CODEC(T64, ZSTD(1)),
  `bytes` UInt64 CODEC(T64, ZSTD(1)),
  `opens` UInt64 CODEC(ZSTD(1)),
  `points` UInt64 CODEC(ZSTD(1)),
  `first` SimpleAggregateFunction(min, DateTime('UTC')) CODEC(ZSTD(1)),
  `last` SimpleAggregateFunction(max, DateTime('UTC')) CODEC(ZSTD(1))
) ENGINE = SummingMergeTree()
PARTITION BY toYYYYMM(start)
ORDER BY (sensor, start, `asn`, `as_org`, `country`, `direction`, `proto`, origin)
PRIMARY KEY (sensor, start)
TTL start + INTERVAL 730 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS `packetheat`.`asn_1d` (
  `sensor` LowCardinality(String),
  `origin` LowCardinality(String),
  `start` DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
  `asn` UInt32 CODEC(ZSTD(1)),
  `as_org` LowCardinality(String),
  `country` LowCardinality(String),
  `direction` UInt8 CODEC(ZSTD(1)),
  `proto` UInt8 CODEC(ZSTD(1)),
  `packets` UInt64 CODEC(T64, ZSTD(1)),
  `bytes` UInt64 CODEC(T64, ZSTD(1)),
  `opens` UInt64 CODEC(ZSTD(1)),
  `points` UInt64 CODEC(ZSTD(1)),
  `first` SimpleAggregateFunction(min, DateTime('UTC')) CODEC(ZSTD(1)),
  `last` SimpleAggregateFunction(max, DateTime('UTC')) CODEC(ZSTD(1))
) ENGINE = SummingMergeTree()
PARTITION BY toYear(start)
ORDER BY (sensor, start, `asn`, `as_org`, `country`, `direction`, `proto`, origin)
PRIMARY KEY (sensor, start)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS `packetheat`.`port_10m` (
  `sensor` LowCardinality(String),
  `origin` LowCardinality(String),
  `start` DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
  `has_port` UInt8 CODEC(ZSTD(1)),
  `port` UInt16 CODEC(ZSTD(1)),
  `proto` UInt8 CODEC(ZSTD(1)),
  `direction` UInt8 CODEC(ZSTD(1)),
  `country` LowCardinality(String),
  `packets` UInt64 CODEC(T64, ZSTD(1)),
  `bytes` UInt64 CODEC(T64, ZSTD(1)),
  `opens` UInt64 CODEC(ZSTD(1)),
  `points` UInt64 CODEC(ZSTD(1)),
  `first` SimpleAggregateFunction(min, DateTime('UTC')) CODEC(ZSTD(1)),
  `last` SimpleAggregateFunction(max, DateTime('UTC')) CODEC(ZSTD(1))
) ENGINE = SummingMergeTree()
PARTITION BY toMonday(start)
ORDER BY (sensor, start, `has_port`, `port`, `proto`, `direction`, `country`, origin)
PRIMARY KEY (sensor, start)
TTL start + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS `packetheat`.`port_1h` (
  `sensor` LowCardinality(String),
  `origin` LowCardinality(String),
  `start` DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
  `has_port` UInt8 CODEC(ZSTD(1)),
  `port` UInt16 CODEC(ZSTD(1)),
  `proto` UInt8 CODEC(ZSTD(1)),
  `direction` UInt8 CODEC(ZSTD(1)),
  `country` LowCardinality(String),
  `packets` UInt64 CODEC(T64, ZSTD(1)),
  `bytes` UInt64 CODEC(T64, ZSTD(1)),
  `opens` UInt64 CODEC(ZSTD(1)),
  `points` UInt64 CODEC(ZSTD(1)),
  `first` SimpleAggregateFunction(min, DateTime('UTC')) CODEC(ZSTD(1)),
  `last` SimpleAggregateFunction(max, DateTime('UTC')) CODEC(ZSTD(1))
) ENGINE = SummingMergeTree()
PARTITION BY toYYYYMM(start)
ORDER BY (sensor, start, `has_port`, `port`, `proto`, `direction`, `country`, origin)
PRIMARY KEY (sensor, start)
TTL start + INTERVAL 730 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS `packetheat`.`port_1d` (
  `sensor` LowCardinality(String),
  `origin` LowCardinality(String),
  `start` DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
  `has_port` UInt8 CODEC(ZSTD(1)),
  `port` UInt16 CODEC(ZSTD(1)),
  `proto` UInt8 CODEC(ZSTD(1)),
  `direction` UInt8 CODEC(ZSTD(1)),
  `country` LowCardinality(String),
  `packets` UInt64 CODEC(T64, ZSTD(1)),
  `bytes` UInt64 CODEC(T64, ZSTD(1)),
  `opens` UInt64 CODEC(ZSTD(1)),
  `points` UInt64 CODEC(ZSTD(1)),
  `first` SimpleAggregateFunction(min, DateTime('UTC')) CODEC(ZSTD(1)),
  `last` SimpleAggregateFunction(max, DateTime('UTC')) CODEC(ZSTD(1))
) ENGINE = SummingMergeTree()
PARTITION BY toYear(start)
ORDER BY (sensor, start, `has_port`, `port`, `proto`, `direction`, `country`, origin)
PRIMARY KEY (sensor, start)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS `packetheat`.`feed_place_10m` TO `packetheat`.`place_10m` AS
SELECT sensor, origin, toDateTime(intDiv(toUInt32(time), 600) * 600, 'UTC') AS start, `latitude`, `longitude`, `country`, `region`, `city`, `precision`, `accuracy_km`, `direction`, `proto`,
  sum(packets) AS packets, sum(bytes) AS bytes, sum(opens) AS opens, count() AS points,
  min(time) AS first, max(time + seconds) AS last
FROM `packetheat`.`points` AS p
GROUP BY sensor, origin, start, `latitude`, `longitude`, `country`, `region`, `city`, `precision`, `accuracy_km`, `direction`, `proto`;

CREATE MATERIALIZED VIEW IF NOT EXISTS `packetheat`.`feed_place_1h` TO `packetheat`.`place_1h` AS
SELECT sensor, origin, toDateTime(intDiv(toUInt32(time), 3600) * 3600, 'UTC') AS start, `latitude`, `longitude`, `country`, `region`, `city`, `precision`, `accuracy_km`, `direction`, `proto`,
  sum(packets) AS packets, sum(bytes) AS bytes, sum(opens) AS opens, count() AS points,
  min(time) AS first, max(time + seconds) AS last
FROM `packetheat`.`points` AS p
GROUP BY sensor, origin, start, `latitude`, `longitude`, `country`, `region`, `city`, `precision`, `accuracy_km`, `direction`, `proto`;

CREATE MATERIALIZED VIEW IF NOT EXISTS `packetheat`.`feed_place_1d` TO `packetheat`.`place_1d` AS
SELECT sensor, origin, toDateTime(intDiv(toUInt32(time), 86400) * 86400, 'UTC') AS start, `latitude`, `longitude`, `country`, `region`, `city`, `precision`, `accuracy_km`, `direction`, `proto`,
  sum(packets) AS packets, sum(bytes) AS bytes, sum(opens) AS opens, count() AS points,
  min(time) AS first, max(time + seconds) AS last
FROM `packetheat`.`points` AS p
GROUP BY sensor, origin, start, `latitude`, `longitude`, `country`, `region`, `city`, `precision`, `accuracy_km`, `direction`, `proto`;

CREATE MATERIALIZED VIEW IF NOT EXISTS `packetheat`.`feed_asn_10m` TO `packetheat`.`asn_10m` AS
SELECT sensor, origin, toDateTime(intDiv(toUInt32(time), 600) * 600, 'UTC') AS start, `asn`, `as_org`, `country`, `direction`, `proto`,
  sum(packets) AS packets, sum(bytes) AS bytes, sum(opens) AS opens, count() AS points,
  min(time) AS first, max(time + seconds) AS last
FROM `packetheat`.`points` AS p
GROUP BY sensor, origin, start, `asn`, `as_org`, `country`, `direction`, `proto`;

CREATE MATERIALIZED VIEW IF NOT EXISTS `packetheat`.`feed_asn_1h` TO `packetheat`.`asn_1h` AS
SELECT sensor, origin, toDateTime(intDiv(toUInt32(time), 3600) * 3600, 'UTC') AS start, `asn`, `as_org`, `country`, `direction`, `proto`,
  sum(packets) AS packets, sum(bytes) AS bytes, sum(opens) AS opens, count() AS points,
  min(time) AS first, max(time + seconds) AS last
FROM `packetheat`.`points` AS p
GROUP BY sensor, origin, start, `asn`, `as_org`, `country`, `direction`, `proto`;

CREATE MATERIALIZED VIEW IF NOT EXISTS `packetheat`.`feed_asn_1d` TO `packetheat`.`asn_1d` AS
SELECT sensor, origin, toDateTime(intDiv(toUInt32(time), 86400) * 86400, 'UTC') AS start, `asn`, `as_org`, `country`, `direction`, `proto`,
  sum(packets) AS packets, sum(bytes) AS bytes, sum(opens) AS opens, count() AS points,
  min(time) AS first, max(time + seconds) AS last
FROM `packetheat`.`points` AS p
GROUP BY sensor, origin, start, `asn`, `as_org`, `country`, `direction`, `proto`;

CREATE MATERIALIZED VIEW IF NOT EXISTS `packetheat`.`feed_port_10m` TO `packetheat`.`port_10m` AS
SELECT sensor, origin, toDateTime(intDiv(toUInt32(time), 600) * 600, 'UTC') AS start, `has_port`, `port`, `proto`, `direction`, `country`,
  sum(packets) AS packets, sum(bytes) AS bytes, sum(opens) AS opens, count() AS points,
  min(time) AS first, max(time + seconds) AS last
FROM `packetheat`.`points` AS p
GROUP BY sensor, origin, start, `has_port`, `port`, `proto`, `direction`, `country`;

CREATE MATERIALIZED VIEW IF NOT EXISTS `packetheat`.`feed_port_1h` TO `packetheat`.`port_1h` AS
SELECT sensor, origin, toDateTime(intDiv(toUInt32(time), 3600) * 3600, 'UTC') AS start, `has_port`, `port`, `proto`, `direction`, `country`,
  sum(packets) AS packets, sum(bytes) AS bytes, sum(opens) AS opens, count() AS points,
  min(time) AS first, max(time + seconds) AS last
FROM `packetheat`.`points` AS p
GROUP BY sensor, origin, start, `has_port`, `port`, `proto`, `direction`, `country`;

CREATE MATERIALIZED VIEW IF NOT EXISTS `packetheat`.`feed_port_1d` TO `packetheat`.`port_1d` AS
SELECT sensor, origin, toDateTime(intDiv(toUInt32(time), 86400) * 86400, 'UTC') AS start, `has_port`, `port`, `proto`, `direction`, `country`,
  sum(packets) AS packets, sum(bytes) AS bytes, sum(opens) AS opens, count() AS points,
  min(time) AS first, max(time + seconds) AS last
FROM `packetheat`.`points` AS p
GROUP BY sensor, origin, start, `has_port`, `port`, `proto`, `direction`, `country`;
