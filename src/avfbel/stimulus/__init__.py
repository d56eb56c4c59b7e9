"""The world: five parameters and a seed become a piano melody and the film of a bouncing ball.

The same notes make both: `compose` draws them, `synthesize` sounds them, `ball_motion` and `render_frames`
show them, and `write_stimulus` writes a clip. The names below are resolved on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from avfbel.lazy import on_first_use

if TYPE_CHECKING:
    from avfbel.stimulus.bounces import Bounce as Bounce
    from avfbel.stimulus.bounces import ball_bounces as ball_bounces
    from avfbel.stimulus.corpus import build_clips as build_clips
    from avfbel.stimulus.corpus import build_corpus as build_corpus
    from avfbel.stimulus.files import write_stimulus as write_stimulus
    from avfbel.stimulus.film import write_film as write_film
    from avfbel.stimulus.midi import write_midi as write_midi
    from avfbel.stimulus.motion import BallMotion as BallMotion
    from avfbel.stimulus.motion import ball_motion as ball_motion
    from avfbel.stimulus.parameters import StimulusParameters as StimulusParameters
    from avfbel.stimulus.parameters import blend as blend
    from avfbel.stimulus.parameters import mix as mix
    from avfbel.stimulus.parameters import named as named
    from avfbel.stimulus.parameters import named_stimuli as named_stimuli
    from avfbel.stimulus.plans import Clip as Clip
    from avfbel.stimulus.plans import plan_corpus as plan_corpus
    from avfbel.stimulus.plans import plan_pairs as plan_pairs
    from avfbel.stimulus.plans import plan_sweep as plan_sweep
    from avfbel.stimulus.render import render_frames as render_frames
    from avfbel.stimulus.rendition import Rendition as Rendition
    from avfbel.stimulus.score import Note as Note
    from avfbel.stimulus.score import Score as Score
    from avfbel.stimulus.score import compose as compose
    from avfbel.stimulus.score import with_silence as with_silence
    from avfbel.stimulus.sound import synthesize as synthesize
    from avfbel.stimulus.sound import write_wav as write_wav

_HOME = {
    "BallMotion": "motion",
    "Bounce": "bounces",
    "Clip": "plans",
    "Note": "score",
    "Rendition": "rendition",
    "Score": "score",
    "StimulusParameters": "parameters",
    "ball_bounces": "bounces",
    "ball_motion": "motion",
    "blend": "parameters",
    "build_clips": "corpus",
    "build_corpus": "corpus",
    "compose": "score",
    "mix": "parameters",
    "named": "parameters",
    "named_stimuli": "parameters",
    "plan_corpus": "plans",
    "plan_pairs": "plans",
    "plan_sweep": "plans",
    "render_frames": "render",
    "synthesize": "sound",
    "with_silence": "score",
    "write_film": "film",
    "write_midi": "midi",
    "write_stimulus": "files",
    "write_wav": "sound",
}

__all__ = list(_HOME)
__getattr__, __dir__ = on_first_use(__name__, _HOME)
