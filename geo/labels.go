package geo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The labels that are built in: networks of clouds and of content (by AS number and, with
// LabelAnycast, by network), and networks that are in many places at once.
const (
	LabelCloud   = "cloud"
	LabelAnycast = "anycast"
)

// LabelFile is a list of addresses, networks and AS numbers, and what they are called.
type LabelFile struct{ Path, Label string }

// Labels knows which endpoints have which label: those built in, those of lists, and the
// names of own networks. Make one with ReadLabels; all methods are safe for concurrent
// use, and answers are from one state of all lists.
type Labels struct {
	logger *slog.Logger
	state  atomic.Pointer[labelState]

	mu       sync.Mutex // serialises changes, guards what follows
	files    []*labelFile
	networks []Network
}

// labelState is replaced as a whole.
type labelState struct {
	names []string // sorted
	sets  map[string][]*labelSet
}

// labelFile is a list with what is known of its file.
type labelFile struct {
	LabelFile
	set     *labelSet
	size    int64
	changed time.Time
	missing bool // the last look found no file
}

// ReadLabels reads all lists. It fails where one cannot be read, or has a line that is no
// address, network or AS number; the error names file and line. A nil logger is silent.
func ReadLabels(files []LabelFile, networks []Network, logger *slog.Logger) (*Labels, error) {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	l := &Labels{logger: logger}
	if err := l.Set(files, networks); err != nil {
		return nil, err
	}
	return l, nil
}

// Set changes the lists and the own networks whose names are labels. Where a list cannot
// be read, an error says so and all stays as it was.
func (l *Labels) Set(files []LabelFile, networks []Network) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []*labelFile
	var errs []error
	for _, f := range files {
		next := &labelFile{LabelFile: f}
		errs = append(errs, next.read())
		list = append(list, next)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	l.files, l.networks = list, slices.Clone(networks)
	l.swap()
	return nil
}

// read reads the file and notes which one it was.
func (f *labelFile) read() error {
	info, err := os.Stat(f.Path)
	if err != nil {
		return fmt.Errorf("read labels: %w (geo.labels names it)", err)
	}
	f.size, f.changed, f.missing = info.Size(), info.ModTime(), false
	set, err := readLabelFile(f.Path)
	if err != nil {
		return err
	}
	f.set = set
	return nil
}

// swap makes the state of what has been read.
func (l *Labels) swap() {
	s := &labelState{sets: map[string][]*labelSet{}}
	add := func(name string, set *labelSet) {
		key := strings.ToLower(name)
		if s.sets[key] == nil {
			s.names = append(s.names, name)
		}
		s.sets[key] = append(s.sets[key], set)
	}
	cloud, anycast := builtinLabels()
	add(LabelCloud, cloud)
	add(LabelCloud, anycast)
	add(LabelAnycast, anycast)
	for _, f := range l.files {
		add(f.Label, f.set)
	}
	for _, n := range l.networks {
		if n.Name != "" {
			set := &labelSet{peers: true}
			set.add(n.Prefix.Masked().Addr(), last(n.Prefix))
			add(n.Name, set)
		}
	}
	slices.Sort(s.names)
	l.state.Store(s)
}

// Names returns the names of all labels, sorted. They differ in more than their case.
func (l *Labels) Names() []string { return slices.Clone(l.state.Load().names) }

// Matcher returns what decides whether a point has the label: by the address that is on
// the map, its AS number, or, where the list is the user's, by the address of the peer.
// It is nil where there is no such label, and stays at the lists as they are now; peers
// says whether the peer has a say.
func (l *Labels) Matcher(name string) (match func(addr, peer netip.Prefix, asn uint32) bool, peers bool) {
	sets := l.state.Load().sets[strings.ToLower(name)]
	if sets == nil {
		return nil, false
	}
	peers = slices.ContainsFunc(sets, func(s *labelSet) bool { return s.peers })
	return func(addr, peer netip.Prefix, asn uint32) bool {
		for _, s := range sets {
			if s.match(addr, peer, asn) {
				return true
			}
		}
		return false
	}, peers
}

// Reload reads the lists that have changed. Where one cannot be read, an error names file
// and line, and what it said before stays.
func (l *Labels) Reload() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	changed := false
	for _, f := range l.files {
		info, err := os.Stat(f.Path)
		switch {
		case errors.Is(err, fs.ErrNotExist) && f.missing:
			continue // said already
		case err != nil:
			f.missing = true
			errs = append(errs, fmt.Errorf("read labels: %w", err))
			continue
		case info.Size() == f.size && info.ModTime().Equal(f.changed) && !f.missing:
			continue
		}
		if err := f.read(); err != nil {
			errs = append(errs, err)
			continue
		}
		changed = true
		l.logger.Info("labels read", "file", f.Path, "label", f.Label, "networks", len(f.set.v4)+len(f.set.v6), "as", len(f.set.systems))
	}
	if changed {
		l.swap()
	}
	return errors.Join(errs...)
}

// labelsEvery is how often Run looks whether a list has changed.
const labelsEvery = 15 * time.Second

// Run reads lists again when they change, until ctx is done.
func (l *Labels) Run(ctx context.Context) { l.run(ctx, labelsEvery) }

func (l *Labels) run(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := l.Reload(); err != nil {
				l.logger.Error("labels not read, the old ones stay", "error", strings.ReplaceAll(err.Error(), "\n", "; "))
			}
		}
	}
}
