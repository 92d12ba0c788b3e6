package sensor

import (
	"testing"
	"time"
)

// TestLifeSigns: rings on which nothing comes and the collector say again and again that
// they are alive; one that hangs is seen to by its sign staying where it is.
func TestLifeSigns(t *testing.T) {
	m := &machine{}
	m.set(links("eth0", "eth1"), "eth0", "eth1")
	s, stop := runMachine(t, m, Live{Interfaces: []string{"x"}})
	begun := s.Status()
	for _, i := range begun.Interfaces {
		if i.Shards != 1 || time.Since(i.Read) > time.Minute {
			t.Errorf("%s was last read %s", i.Name, i.Read)
		}
	}
	fresh := func(now *Status) bool {
		for i := range now.Interfaces {
			if !now.Interfaces[i].Read.After(begun.Interfaces[i].Read) {
				return false
			}
		}
		return now.Collected.After(begun.Collected) && now.Committing.IsZero()
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		now := s.Status()
		if fresh(&now) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("no new sign of life after a minute: %+v, then %+v", begun, now)
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for _, i := range s.Status().Interfaces {
		if i.Shards != 0 || !i.Read.IsZero() {
			t.Errorf("after the stop: %+v", i)
		}
	}
}

// TestCommitting shows since when a commit lasts that does not end.
func TestCommitting(t *testing.T) {
	release := make(chan struct{})
	s := newSensor(t, slowSink{&memory{}, release}, nil)
	ended := make(chan error, 1)
	go func() {
		ended <- s.Replay(t.Context(), []Named{{"x", pcap(t, []packet{{noon, udp(t, "9.9.9.9", "192.168.1.2", 53, 40000)}})}})
	}()
	for deadline := time.Now().Add(time.Minute); s.Status().Committing.IsZero(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no commit is seen to last")
		}
	}
	close(release)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if st := s.Status(); !st.Committing.IsZero() || st.Commits == 0 {
		t.Errorf("afterwards: committing since %s, %d commits", st.Committing, st.Commits)
	}
}
