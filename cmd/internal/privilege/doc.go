// Package privilege lets a program that was started with rights work without them.
//
// Capturing needs one right, CAP_NET_RAW, and that only for socket(AF_PACKET). So a
// process that has it starts an opener, a child that keeps this one capability and does
// nothing but open such sockets and hand them over, and then becomes the sensor: the same
// process, executed anew, with another user if need be, no capability in any thread, and
// no way to get one. What the sensor may still touch is narrowed once more by Landlock
// and by a list of system calls.
//
//	opener, err := privilege.StartOpener(who)      // with rights
//	err = privilege.Become(who, handover)           // does not return but on failure
//	...
//	in, err := privilege.Inherit()                 // first thing in main: what was handed over
//	err = privilege.Restrict(paths)                // before anything of the network is read
//
// # Why the program is executed anew
//
// Capabilities, users, and no-new-privileges belong to threads, of which a Go program has
// several before main. An exec leaves one, with the rights of the thread that called it;
// all later ones come from that. It works where capset(2) is not allowed, as in the unit
// of systemd: without an ambient set and a file capability the exec itself takes the
// rights away.
//
// # The opener
//
// It is this program, too, with a variable in its environment that a C constructor sees
// before the Go runtime starts: one thread and less than a MiB of memory of its own (as a
// Go process it would be four threads and nine MiB, measured). It serves only where
// no-new-privileges is set: then it has its capability from the one who started it, never
// from its file, so that "setcap cap_net_raw+ep" gives nobody an opener who could not
// open sockets anyway. It ends when the other end of its channel is closed, by whatever
// way the sensor ended.
package privilege
