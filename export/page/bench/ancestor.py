"""Writes the map that the ancestor of packetheat wrote, with Debian's python3-folium.

    /usr/bin/python3 ancestor.py points.csv map.html

One heat layer for TCP and one for UDP, switches for them, as its script had it. What
differs is in favour of Folium: the scripts it loads from the net are Debian's own
copies beside it, those it does not need for this map are left out, and there are no
tiles, which a page opened from a file cannot have anyway. Lines of points.csv are
latitude,longitude,protocol,packets.
"""
import csv
import re
import sys
from pathlib import Path

import folium
from folium.plugins import HeatMap

JAVASCRIPT = Path("/usr/share/javascript")
LOCAL = {
    "leaflet.js": JAVASCRIPT / "leaflet/leaflet.min.js",
    "leaflet.css": JAVASCRIPT / "leaflet/leaflet.css",
    "jquery-1.12.4.min.js": JAVASCRIPT / "jquery/jquery.min.js",
    "bootstrap.bundle.min.js": JAVASCRIPT / "bootstrap5/js/bootstrap.bundle.min.js",
    "bootstrap.min.css": JAVASCRIPT / "bootstrap5/css/bootstrap.min.css",
    "leaflet_heat.min.js": Path(folium.__file__).parent / "templates/leaflet_heat.min.js",
}


def local(html: str) -> str:
    """Points every script and style at Debian's copy, and drops those that have none,
    and the second Bootstrap (netdna), of which only the icons are wanted."""

    def replace(tag: re.Match) -> str:
        copy = None if "netdna" in tag["url"] else LOCAL.get(tag["url"].rsplit("/", 1)[1])
        return tag[0].replace(tag["url"], copy.as_uri()) if copy and copy.exists() else ""

    html = re.sub(r'<script src="(?P<url>https?://[^"]+)"></script>', replace, html)
    return re.sub(r'<link rel="stylesheet" href="(?P<url>https?://[^"]+)"/>', replace, html)


def main(source: str, target: str) -> None:
    layers = {"TCP": [], "UDP": []}
    with open(source, newline="") as file:
        for latitude, longitude, protocol, packets in csv.reader(file):
            # The ancestor knew two layers; what is neither goes to the second, so that
            # both maps have as many rows.
            layers[protocol if protocol in layers else "UDP"].append([float(latitude), float(longitude), int(packets)])
    page = folium.Map(location=[20, 11], zoom_start=2, tiles=None)
    for name, rows in layers.items():
        group = folium.FeatureGroup(name=name)
        HeatMap(rows).add_to(group)
        group.add_to(page)
    folium.LayerControl().add_to(page)
    Path(target).write_text(local(page.get_root().render()))


if __name__ == "__main__":
    main(*sys.argv[1:])
