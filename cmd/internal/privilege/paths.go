package privilege

// Paths are what a process may touch after Restrict. A folder stands for all in it, also
// for what will be there.
type Paths struct {
	Write []string // folders: files in them are read, written, made, renamed, removed
	Read  []string // folders and files
	List  []string // folders whose names may be listed, but not what is in them
}

// System is what a Go program with a dashboard, a resolver and a log reads on Linux.
// All of /proc is in it, because the kernel makes a new inode for a process's folder
// whenever it has forgotten the old one, and Landlock goes by inodes; of other processes it
// shows what it shows to any user, and no memory.
func System() []string {
	return []string{
		"/proc", "/sys/class/net", "/sys/devices", "/dev/null", "/dev/urandom",
		"/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services", "/etc/protocols",
		"/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager", // where resolv.conf is a link to
		"/etc/localtime", "/usr/share/zoneinfo", "/usr/lib/zoneinfo",
		"/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates",
		"/etc/passwd", "/etc/group",
		"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache", // parts of libc that are loaded late
	}
}
