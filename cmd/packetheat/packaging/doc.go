// Package packaging holds no code: it is the folder of what turns the program into a
// service that an administrator installs (systemd unit, user, configuration, maintainer
// scripts, the recipe of the Debian package and the container) and of the tests that
// install, upgrade, remove and purge it. "make package" builds; see the file build.
package packaging
