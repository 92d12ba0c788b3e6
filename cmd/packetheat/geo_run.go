package main

// prepareGeo says what is wrong with the databases that the sensor has found, and makes
// what keeps them fresh.
func (r *live) prepareGeo() (err error) {
	for _, s := range geoJSON(r.geo, r.c) {
		switch {
		case s.Warning == "":
		case s.Path != "":
			r.log.Warn("GeoIP database", "name", s.Name, "path", s.Path, "warning", s.Warning)
		case s.Kind == "city" && !r.c.Geo.Update: // the built-in ones are of an age, and nobody chose them
			r.log.Info("GeoIP database", "name", s.Name, "hint", s.Warning)
		}
	}
	if r.c.Geo.Update {
		r.updater, err = r.program.updater(r.c, r.log.Logger)
	}
	return err
}

// startGeo keeps the databases fresh as long as the sensor runs.
func (r *live) startGeo() {
	r.task("watch of GeoIP databases", r.geo.Watch)
	if r.updater != nil {
		r.updater.Progress = nil // a sensor has better things to say
		r.task("update of GeoIP databases", r.updater.Run)
	}
}
