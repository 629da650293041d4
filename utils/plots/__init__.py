"""Every figure of the series, one function a figure.

A function here draws one figure, shows it together with a text that describes what it shows, and closes it. The description
travels with the picture: as alternative text in the output's metadata and as the output's plain text. A figure that cannot
know what its pictures show names its panels; the cell's metadata may say more.

Colours come from the palette of Okabe and Ito, which people with any common colour blindness can tell apart, and mean the
same thing in every notebook. Colour is never the only difference: lines also differ in dash or marker, areas in label.
Source: Okabe and Ito, "Color Universal Design", 2008.
"""

# ruff: noqa: F403
from utils.plots.architecture import *
from utils.plots.base import *
from utils.plots.building import *
from utils.plots.classes import *
from utils.plots.data import *
from utils.plots.diffusion import *
from utils.plots.experiments import *
from utils.plots.own_images import *
from utils.plots.paper import *
from utils.plots.real_images import *
from utils.plots.training import *
from utils.plots.variants import *
from utils.plots.visualizing import *
from utils.plots.volumes import *
