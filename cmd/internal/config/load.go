package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// Options say where to look. The zero value looks at the environment and the usual
// files only.
type Options struct {
	File  string                 // from --config; "": PACKETHEAT_CONFIG, else the first of Files that exists
	Files []string               // nil: config.yaml, /etc/packetheat/config.yaml
	Flags map[string]*pflag.Flag // by key; those the user did not set are ignored
}

// Source says where a value comes from.
type Source string

// The four sources, weakest first.
const (
	Default Source = "default"
	File    Source = "file"
	Env     Source = "env"
	Flag    Source = "flag"
)

// Loaded is a valid configuration and how it came to be.
type Loaded struct {
	Config
	File     string // that was read; "" if none
	Sources  map[string]Source
	Warnings []string // one line each: what does not do what it seems to

	moved map[string]bool // by key
}

// Moved reports whether the user chose the value of the key: it comes from a flag or
// the environment, or differs from the default.
func (l *Loaded) Moved(name string) bool { return l.moved[name] }

// preset reports whether the value of k equals its default.
func (l *Loaded) preset(k key) bool {
	var fresh Config
	for _, d := range fresh.keys() {
		if d.name == k.name {
			return d.value.set(d.preset) == nil && reflect.DeepEqual(d.value.show(), k.value.show())
		}
	}
	return false
}

// Differs returns the keys, in the order of the reference, whose values are not the
// same in both.
func (l *Loaded) Differs(other *Loaded) (names []string) {
	theirs := other.keys()
	for i, k := range l.keys() {
		if !reflect.DeepEqual(k.value.show(), theirs[i].value.show()) {
			names = append(names, k.name)
		}
	}
	return names
}

// loading is the work of one Load.
type loading struct {
	Loaded
	viper    *viper.Viper
	lines    map[string]int // of the file, by key path
	problems Problems
}

// Load reads the configuration from all sources and checks it. The error, where it is
// about what the user wrote, is a Problems with every mistake that was found.
func Load(o Options) (*Loaded, error) {
	l := &loading{viper: viper.New(), Loaded: Loaded{Sources: map[string]Source{}, moved: map[string]bool{}}}
	l.viper.SetConfigType("yaml")
	if err := l.readFile(o); err != nil {
		return nil, err
	}
	keys := l.keys()
	l.checkEnvironment(keys)
	for _, k := range keys {
		l.register(k, o.Flags[k.name])
	}
	for _, k := range keys {
		l.fill(k, o.Flags[k.name])
	}
	l.checkFilters()
	l.checkDashboard()
	if len(l.problems) > 0 {
		l.problems.sort()
		return nil, l.problems
	}
	l.complete()
	l.checkRetention()
	l.checkSecrets()
	return &l.Loaded, nil
}

// checkRetention makes views last as long as what is finer at least, and says so where
// somebody asked for less.
func (l *loading) checkRetention() {
	s := &l.Store
	least, of := s.Points, "store.retention.points"
	if s.Addresses != 0 && s.Addresses < s.Points {
		p := l.place("store.retention.addresses", l.Sources["store.retention.addresses"])
		p.Message = fmt.Sprintf("%s is shorter than %s, which it lasts as long as", l.shownAs("store.retention.addresses"), of)
		l.Warnings = append(l.Warnings, p.String())
		s.Addresses = 0
	}
	for _, v := range []struct {
		name string
		age  *time.Duration
	}{
		{"store.retention.views.10m", &s.Views10m}, {"store.retention.views.1h", &s.Views1h}, {"store.retention.views.1d", &s.Views1d},
	} {
		if *v.age >= least {
			least, of = *v.age, v.name
			continue
		}
		if l.moved[v.name] {
			p := l.place(v.name, l.Sources[v.name])
			p.Message = fmt.Sprintf("%s is shorter than %s, which it lasts as long as", l.shownAs(v.name), of)
			l.Warnings = append(l.Warnings, p.String())
		}
		*v.age = least
	}
}

// shownAs returns the value of a key as it stands in the file.
func (l *loading) shownAs(name string) string {
	for _, k := range l.keys() {
		if k.name == name {
			return fmt.Sprint(k.value.show())
		}
	}
	return ""
}

// readFile gives the file to viper, after it has been held against the list of keys.
func (l *loading) readFile(o Options) error {
	name, text, err := find(o)
	if err != nil || name == "" {
		return err
	}
	l.File = name
	var problems Problems
	l.lines, problems = checkFile(name, text, l.keys())
	l.problems = append(l.problems, problems...)
	for _, p := range problems {
		if p.fatal {
			return l.problems
		}
	}
	if err := l.viper.ReadConfig(bytes.NewReader(text)); err != nil {
		return Problems{{Where: name, Message: fmt.Sprintf("is not readable as YAML: %v", err)}}
	}
	return nil
}

// find returns the file to read and its text; no name if there is none.
func find(o Options) (string, []byte, error) {
	named := o.File
	if named == "" {
		named = os.Getenv(envPrefix + "CONFIG")
	}
	if named != "" {
		text, err := os.ReadFile(named)
		if err != nil {
			return "", nil, fmt.Errorf("read configuration: %w (--config names the file)", err)
		}
		return named, text, nil
	}
	files := o.Files
	if files == nil {
		files = []string{"config.yaml", "/etc/packetheat/config.yaml"}
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		switch {
		case err == nil:
			return name, text, nil
		case !errors.Is(err, os.ErrNotExist):
			return "", nil, fmt.Errorf("read configuration: %w (--config names another file)", err)
		}
	}
	return "", nil, nil
}

// register makes viper know the key: it sees variables only for keys it knows.
func (l *loading) register(k key, flag *pflag.Flag) {
	l.viper.SetDefault(k.name, k.preset)
	_ = l.viper.BindEnv(k.name, envName(k.name)) // fails only without a name
	if flag != nil {
		_ = l.viper.BindPFlag(k.name, flag) // fails only without a flag
	}
	if k.secret {
		l.readSecret(k)
	}
}

// readSecret takes the value from the file that PACKETHEAT_…_FILE names.
func (l *loading) readSecret(k key) {
	variable := envName(k.name) + fileSuffix
	name := os.Getenv(variable)
	if name == "" {
		return
	}
	if os.Getenv(envName(k.name)) != "" {
		l.problem(k.name, Env, fmt.Errorf("%s and %s are both set: unset one", envName(k.name), variable))
		return
	}
	text, err := os.ReadFile(name)
	if err != nil {
		l.problems = append(l.problems, Problem{Where: variable, Key: k.name, Message: err.Error()})
		return
	}
	l.viper.Set(k.name, strings.TrimSpace(string(text)))
	l.Sources[k.name] = Env
}

// fill sets the field of one key.
func (l *loading) fill(k key, flag *pflag.Flag) {
	source := l.source(k, flag)
	l.Sources[k.name] = source
	if err := k.value.set(l.viper.Get(k.name)); err != nil {
		l.problem(k.name, source, err)
		return
	}
	preset := l.preset(k)
	l.moved[k.name] = source == Flag || source == Env || !preset
	if k.later == "" || preset {
		return
	}
	if k.promises {
		l.problem(k.name, source, fmt.Errorf("%s: not in this version; remove the key, or what it promises would not be kept", k.later))
		return
	}
	p := l.place(k.name, source)
	p.Message = k.later + ": not in this version, the key has no effect yet"
	l.Warnings = append(l.Warnings, p.String())
}

func (l *loading) source(k key, flag *pflag.Flag) Source {
	switch {
	case l.Sources[k.name] != "":
		return l.Sources[k.name]
	case flag != nil && flag.Changed:
		return Flag
	case os.Getenv(envName(k.name)) != "":
		return Env
	case l.viper.InConfig(k.name):
		return File
	}
	return Default
}

// place says where the value of a key stands.
func (l *loading) place(name string, source Source) Problem {
	p := Problem{Key: name}
	switch source {
	case Env:
		p.Where = envName(name)
	case Flag:
		p.Where, p.usage = "command line", true
	case File:
		p.Where, p.line = l.File, l.lines[name]
	}
	return p
}

// problem notes what is wrong with a value, each of several mistakes in a list alone.
func (l *loading) problem(name string, source Source, err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			l.problem(name, source, one)
		}
		return
	}
	p := l.place(name, source)
	var item *itemError
	if errors.As(err, &item) {
		p.Key += item.item
		for path := p.Key; source == File && len(path) > len(name); path = path[:strings.LastIndexAny(path, ".[")] {
			if line := l.lines[path]; line > 0 {
				p.line = line
				break
			}
		}
		err = item.err
	}
	p.Message = err.Error()
	l.problems = append(l.problems, p)
}

// complete fills what depends on the machine.
func (l *loading) complete() {
	if l.Sensor.Name == "" {
		l.Sensor.Name = hostName()
	}
}

// hostName returns this machine's name up to its first dot, made fit for a sensor name.
func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		return fallbackName
	}
	name, _, _ = strings.Cut(name, ".")
	return SensorName(name)
}

const fallbackName = "sensor"

// SensorName makes any text fit for a sensor name: what may not be in it becomes a dash.
func SensorName(text string) string {
	name := strings.Map(func(r rune) rune {
		if sensorName.MatchString("a" + string(r)) {
			return r
		}
		return '-'
	}, text)
	name = strings.TrimLeft(name, "-_.")
	if name = strings.TrimRight(name[:min(len(name), 63)], "-_."); !sensorName.MatchString(name) {
		return fallbackName
	}
	return name
}
