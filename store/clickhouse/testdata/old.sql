CREATE DATABASE IF NOT EXISTS `packetheat`;

CREATE TABLE IF NOT EXISTS `packetheat`.`about` (
  `name` String,
  `value` String,
  `changed` DateTime('UTC')
) ENGINE = ReplacingMergeTree(changed)
ORDER BY (name);

CREATE TABLE IF NOT EXISTS `packetheat`.`points` (
  `sensor` String,
  `origin` String,
  `time` DateTime('UTC'),
  `seconds` UInt8,
  `seq` UInt32,
  `shipment` UInt64,
  `row` UInt32,
  `addr` FixedString(16),
  `addr_bits` UInt8,
  `addr_family` UInt8,
  `peer` FixedString(16),
  `peer_bits` UInt8,
  `peer_family` UInt8,
  `direction` UInt8,
  `proto` UInt8,
  `port` UInt16,
  `has_port` UInt8,
  `latitude` Float64,
  `longitude` Float64,
  `country` String,
  `region` String,
  `city` String,
  `precision` UInt8,
  `accuracy_km` UInt16,
  `asn` UInt32,
  `as_org` String,
  `packets` UInt64,
  `bytes` UInt64,
  `opens` UInt64,
  `flags` UInt8
) ENGINE = ReplacingMergeTree()
PARTITION BY toYYYYMMDD(time)
ORDER BY (sensor, time, origin, seq, row);

CREATE TABLE IF NOT EXISTS `packetheat`.`batches` (
  `sensor` String,
  `origin` String,
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
  `geo` String,
  `version` String,
  `sent` DateTime('UTC'),
  `received` DateTime('UTC') DEFAULT now()
) ENGINE = ReplacingMergeTree()
PARTITION BY toYYYYMM(tick)
ORDER BY (sensor, tick, origin, seq);
