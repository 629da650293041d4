"""Folders: what goes out comes back, nothing is overwritten unasked, and each thing that is wrong is named."""

import dataclasses
import io
import json
import os
import shutil
import unicodedata

import numpy as np
import pytest
import tifffile
from PIL import Image
from scipy import ndimage
from skimage import measure

from scripts import cases
from utils import folders, nuclei, plots, shapes

SAMPLES = shapes.draw(7, size=32, level="hard")


@pytest.fixture
def folder(tmp_path):
    """An exported folder of three pictures."""
    return folders.export(SAMPLES[:3], tmp_path / "shapes")


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def save(path, pixels, **options):
    Image.fromarray(np.asarray(pixels)).save(path, **options)


def test_the_round_trip_is_exact_and_a_viewer_shows_masks_black_and_white(tmp_path):
    for name, part in {"square": SAMPLES, "wide": shapes.Samples(*(a[:, :20] for a in vars(SAMPLES).values()))}.items():
        folder = folders.export(part, tmp_path / "new" / name)
        images, masks = folders.load(folder)
        assert images.dtype == np.float32 and images.tobytes() == part.images.tobytes()
        assert masks.dtype == np.uint8 and masks.tobytes() == part.masks.tobytes()
    assert sorted(contents(folder)) == [f"{part}/0000{k}.png" for part in ("images", "masks") for k in range(7)]
    between = dataclasses.replace(SAMPLES, images=np.maximum(SAMPLES.images - np.float32(0.4 / 255), 0))
    assert np.array_equal(folders.load(folders.export(between, tmp_path / "rounded"))[0], SAMPLES.images)
    assert np.array_equal(Image.open(folder / "masks" / "00001.png"), 255 * part.masks[1, ..., 0])


def test_nothing_is_overwritten_unasked(folder):
    before = contents(folder)
    with pytest.raises(FileExistsError, match="not empty.*overwrite=True"):
        folders.export(SAMPLES[5:7], folder)
    with pytest.raises(FileExistsError, match="00002.png, which would mix.*Nothing is ever removed"):
        folders.export(SAMPLES[:2], folder, overwrite=True)
    assert contents(folder) == before
    (folder / "images" / "notes.txt").write_text("keep")
    folders.export(SAMPLES[3:7], folder, overwrite=True)
    assert np.array_equal(folders.load(folder)[0], SAMPLES.images[3:7])
    assert (folder / "images" / "notes.txt").read_text() == "keep"


def test_what_cannot_be_exported_is_named_and_nothing_is_written(tmp_path):
    for images, words in ((SAMPLES.images * 255, "divide by 255"), (SAMPLES.images[..., :1], "1 channels; give 3")):
        with pytest.raises(ValueError, match=words):
            folders.export(dataclasses.replace(SAMPLES, images=images), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def cells(seed=0, count=8, side=96, radius=(5, 9)):
    """A grey image of bright discs, uint8, and its label map."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side]
    labels, image = np.zeros((side, side), np.int32), rng.normal(25, 6, (side, side))
    for _ in range(5000):
        if labels.max() == count:
            return image.clip(0, 255).astype(np.uint8), labels
        r = rng.uniform(*radius)
        y, x = rng.uniform(r, side - r, 2)
        there = (rows - y) ** 2 + (columns - x) ** 2 <= r**2
        if not labels[ndimage.binary_dilation(there)].any():
            labels[there] = labels.max() + 1
            image[there] += rng.uniform(60, 170)
    raise AssertionError("no room")


def put(path, array, **options):
    """Save an array as what the name's ending says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".tif":
        tifffile.imwrite(path, array, **options)
    else:
        Image.fromarray(np.ascontiguousarray(np.asarray(array, np.uint8))).save(path, **options)


GREY, LABELS = cells()
CLASSES = np.where(LABELS > 0, 1 + LABELS % 3, 0)
EDGE = (LABELS > 0) & ~ndimage.binary_erosion(LABELS > 0)
TINTED = np.stack([GREY, GREY // 2, 255 - GREY], axis=-1)
PALETTE = np.array([(0, 0, 0), (128, 64, 128), (0, 0, 192), (64, 128, 64)], np.uint8)


def pairs(folder, convert, many=3, image="images/{}.png", mask="masks/{}.png", **options):
    """Write pairs whose masks are ``convert(labels)``, and return the folder and the label maps."""
    drawn = [cells(seed, **options) for seed in range(many)]
    for k, (picture, labels) in enumerate(drawn):
        put(folder / image.format(k), picture)
        put(folder / mask.format(k), convert(labels))
    return folder, [labels for _, labels in drawn]


def classes_of(labels):
    return np.where(labels > 0, 1 + labels % 3, 0)


def two(labels):
    return 255 * (labels > 0)


# ---- Layouts -----------------------------------------------------------------------------------------------------------

LAYOUTS = {
    "images and masks": ("images/{}.png", "masks/{}.png"),
    "JPEG": ("imgs/a{}.JPG", "Labels/a{}.bmp"),
    "Carvana": ("train/car_{}.jpg", "train_masks/car_{}_mask.gif"),
    "ISIC": (
        "ISIC2018_Task1-2_Training_Input/ISIC_{}.jpg",
        "ISIC2018_Task1_Training_GroundTruth/ISIC_{}_segmentation.png",
    ),
    "DRIVE": ("training/images/2{}_training.tif", "training/1st_manual/2{}_manual1.gif"),
    "nnU-Net": ("imagesTr/case_00{}_0000.png", "labelsTr/case_00{}.png"),
    "satellite": ("train/{}_sat.jpg", "train/{}_mask.png"),
    "CamVid": ("train/0001TP_{}.png", "train_labels/0001TP_{}_L.png"),
    "SegNet": ("train/{}.png", "trainannot/{}.png"),
    "Cityscapes": ("leftImg8bit/train/a/x_{}_leftImg8bit.png", "gtFine/train/a/x_{}_gtFine_labelIds.png"),
    "VOC": ("VOC2012/JPEGImages/2007_{}.jpg", "VOC2012/SegmentationClass/2007_{}.png"),
    "pets": ("images/Abyssinian_{}.jpg", "annotations/trimaps/Abyssinian_{}.png"),
    "CVC": ("Original/{}.tif", "Ground Truth/{}.tif"),
    "words before": ("image_{}.png", "mask_{}.png"),
    "a folder each": ("case{}/image.png", "case{}/mask.png"),
    "below": ("images/more/{}.png", "masks/more/{}.png"),
    "one folder": ("{}.jpg", "{}.png"),
    "Cellpose": ("{}_img.png", "{}_masks.png"),
    "letters": ("images/" + unicodedata.normalize("NFD", "größe") + "{}.png", "masks/" + "GRÖSSE{}.png"),
    "two words": ("images/img_{}.png", "labels/image_{}_label.png"),
    "frames": ("frames/frame_000{}.png", "labels/frame_000{}_mask.png"),
    "zeros": ("images/{}.png", "GT/00{}.png"),
    "x and y": ("X_train/{}.png", "Y_train/{}.png"),
    "more behind": ("images/a_{}.png", "semantic/a_{}_anna.png"),
}


@pytest.mark.parametrize("case", LAYOUTS)
def test_public_layouts_are_paired(tmp_path, case):
    _, labels = pairs(tmp_path, lambda one: (one > 0).astype(np.uint8) * 255, 4, *LAYOUTS[case])
    found = folders.read(tmp_path)
    assert not found.problems and not found.doubts and found.kind == "mask" and len(found) == 4
    for pair, one in zip(found, labels):
        assert np.array_equal(pair.target, one > 0) and pair.target.dtype == np.int32 and pair.weight is None
        assert pair.image.shape == (96, 96, 1) and pair.image.dtype == np.float32 and pair.image[one > 0].mean() > 0.25
    assert np.isclose(found.shares["object"], np.mean([one > 0 for one in labels]))


def test_an_image_called_like_a_mask_is_an_image_if_it_has_one(tmp_path):
    pairs(tmp_path, two, 1, "images/hand.png", "masks/hand.png")
    put(tmp_path / "images/hand_L.png", TINTED), put(tmp_path / "masks/hand_L.png", two(LABELS == 1))
    found = folders.read(tmp_path)
    assert [pair.name for pair in found] == ["hand", "hand_L"] and np.array_equal(found[1].target, LABELS == 1)


def test_names_that_share_no_word_are_paired_by_the_rest_and_that_is_said(tmp_path):
    pairs(tmp_path, two, 3, "images/frame00{}.png", "masks/result00{}.png")
    found = folders.read(tmp_path)
    assert len(found) == 3 and "frame000.png with masks/result000.png" in found.doubts[0]


def test_one_file_an_object(tmp_path):
    for k in range(3):
        picture, labels = cells(k)
        put(tmp_path / f"stage1/h{k}/images/h{k}.png", picture)
        for number in range(1, 9):
            put(tmp_path / f"stage1/h{k}/masks/{number:x}f{k}.png", two(labels == number))
    found = folders.read(tmp_path)
    assert found.kind == "objects" and not found.problems and not found.doubts and len(found.object_sizes) == 24
    assert np.array_equal(np.sort(np.bincount(found[2].target.ravel())), np.sort(np.bincount(labels.ravel())))
    assert np.array_equal(found[2].target > 0, labels > 0)


def test_a_folder_of_masks_called_after_its_image_and_masks_that_cover_each_other(tmp_path):
    pairs(tmp_path, two, 3, "images/im{}.png", "masks/im{}/1.png")
    for k in range(3):
        (
            put(tmp_path / f"masks/im{k}/1.png", two(cells(k)[1] == 1)),
            put(tmp_path / f"masks/im{k}/2.png", two(cells(k)[1] > 1)),
        )
    found = folders.read(tmp_path)
    assert found.kind == "objects" and np.array_equal(found[1].target, np.minimum(cells(1)[1], 2))
    put(tmp_path / "masks/im1/2.png", two(ndimage.binary_dilation(cells(1)[1] == 1)))
    assert "2.png: covers another mask of its image. By several annotators?" in folders.read(tmp_path).problems[0]


def test_masks_by_several_annotators_are_named(tmp_path):
    for k, name in enumerate(("masks/anna/{}.png", "masks/bob/{}.png")):
        pairs(tmp_path, lambda one, k=k: two(one > k), 2, "images/{}.png", name)
    found = folders.read(tmp_path)
    assert (
        np.array_equal(found[0].target, LABELS > 0) and "left out: masks/bob/0.png, masks/bob/1.png" in found.doubts[0]
    )


def test_an_image_that_is_its_mask_is_doubted(tmp_path):
    pairs(tmp_path, two)
    put(tmp_path / "images/1.png", two(cells(1)[1]))
    assert folders.read(tmp_path).doubts == [
        "1: image and mask hold the same. Does one of them lie in the wrong folder?"
    ]


def test_annotations_of_other_kinds_are_named_if_nothing_else_is_there(tmp_path):
    put(tmp_path / "images/a.png", GREY), put(tmp_path / "images/b.png", GREY)
    (tmp_path / "labels").mkdir(), (tmp_path / "labels/a.txt").write_text("0 .1 .1 .2 .1 .2 .2")
    (tmp_path / "labels/via.json").write_text("[]")
    [problem] = folders.read(tmp_path).problems
    assert "Files such as a.txt, via.json are not read: export masks, COCO or labelme" in problem
    put(tmp_path / "masks/a.png", two(LABELS)), put(tmp_path / "masks/b.png", two(LABELS))
    assert folders.read(tmp_path).problems == []


def test_numbers_that_never_come_again_are_objects(tmp_path):
    start = iter([0, 5, 10])
    pairs(tmp_path, lambda one: np.where(one, one + next(start), 0), 3, count=5)
    found = folders.read(tmp_path)
    assert found.kind == "objects" and len(found.object_sizes) == 15 and not found.doubts


def test_numbers_that_are_shifted_are_doubted(tmp_path):
    for k in range(3):
        put(tmp_path / f"images/img_{k}.png", cells(k)[0]), put(tmp_path / f"masks/mask_{k + 1}.png", two(cells(k)[1]))
    assert "are their numbers shifted?" in folders.read(tmp_path).doubts[-1]


def test_a_second_mask_file_for_a_few_images_is_part_of_the_mask(tmp_path):
    pairs(tmp_path, lambda one: two((one > 0) & (one < 5)), 4, "benign ({}).png", "benign ({})_mask.png")
    put(tmp_path / "benign (0)_mask_1.png", two(LABELS >= 5))
    found = folders.read(tmp_path)
    assert (
        found.kind == "mask" and np.array_equal(found[0].target, LABELS > 0) and "25 % of the images" in found.doubts[0]
    )


def test_several_masks_for_one_image_the_likeliest_is_taken_and_the_others_named(tmp_path):
    base = "gtFine/train/a/x_{}_gtFine_"
    pairs(tmp_path, classes_of, 3, "leftImg8bit/train/a/x_{}_leftImg8bit.png", base + "labelIds.png")
    pairs(
        tmp_path,
        lambda one: PALETTE[classes_of(one)],
        3,
        "leftImg8bit/train/a/x_{}_leftImg8bit.png",
        base + "color.png",
    )
    pairs(tmp_path, lambda one: one, 3, "leftImg8bit/train/a/x_{}_leftImg8bit.png", base + "instanceIds.png")
    found = folders.read(tmp_path)
    assert (
        np.array_equal(found[0].target, CLASSES) and "color.png" in found.doubts[0] and "and 1 more" in found.doubts[0]
    )
    assert np.array_equal(folders.read(tmp_path, kind="objects")[0].target, LABELS)
    other = tmp_path / "drive"
    pairs(other, two, 2, "training/images/2{}_training.tif", "training/manual/2{}_manual1.gif")
    pairs(other, np.ones_like, 2, "training/images/2{}_training.tif", "training/fov_mask/2{}_training_mask.gif")
    assert np.array_equal(folders.read(other)[0].target, LABELS > 0)


def test_given_parts_are_kept_and_used(tmp_path):
    for part in ("train", "valid", "test"):
        pairs(tmp_path / part, two, 2 + (part == "train"))
    found = folders.read(tmp_path)
    train, validation = found.split(seed=5)
    assert [len(train), len(validation)] == [3, 2] and set(validation.splits) == {"validation"}
    assert found.splits.count("test") == 2 and len(folders.read(tmp_path, split="test")) == 2
    assert folders.summary(found)[1] == "given parts: train 3, validation 2, test 2"


def test_what_is_left_out_is_named(tmp_path):
    pairs(tmp_path, two)
    for k in range(7):
        put(tmp_path / f"images/extra{k}.png", GREY)
    put(tmp_path / "masks/alone.png", GREY)
    (tmp_path / "images/.hidden.png").write_text("x"), (tmp_path / "masks/README.txt").write_text("about")
    (tmp_path / "masks/x.h5").write_bytes(b"\x89HDF")
    os.mkfifo(tmp_path / "masks/pipe.png")
    (tmp_path / "__MACOSX").mkdir(), (tmp_path / "__MACOSX/1.png").write_text("x")
    found = folders.read(tmp_path)
    assert len(found) == 3 and not found.problems
    assert found.doubts == [
        "left out, neither image nor table of classes: masks/pipe.png, masks/x.h5.",
        "without a mask of the same name, left out: images/: extra0, extra1, extra2, extra3, extra4 and 2 more.",
        "without an image of the same name, left out: masks/: alone.",
    ]


def polygon(label, *points, **more):
    return {"label": label, "points": points, **more}


def test_polygons_of_labelme_and_of_coco(tmp_path):
    square, other = [(10, 10), (50, 10), (50, 30), (10, 30)], [(60, 60), (80, 70)]
    for k in range(2):
        put(tmp_path / f"labelme/im{k}.jpg", GREY), put(tmp_path / f"coco/images/{k:03d}.jpg", GREY)
        shapes_ = [polygon("cat", *square), polygon("dog", *other, shape_type="rectangle")]
        text = {"imagePath": f"..\\im{k}.jpg", "shapes": shapes_, "imageData": None}
        (tmp_path / f"labelme/im{k}.json").write_text(json.dumps(text))
    wanted = np.zeros((96, 96), int)
    wanted[10:30, 10:50], wanted[60:70, 60:80] = 1, 2
    found = folders.read(tmp_path / "labelme")
    assert found.names == ["background", "cat", "dog"] and np.array_equal(found[1].target, wanted)
    assert "kind='objects'" in found.doubts[0]
    rings = [[float(value) for point in square for value in point], [60, 60, 80, 60, 80, 70, 60, 70]]
    data = {
        "images": [{"id": 4 + k, "file_name": f"../../{k:03d}.jpg"} for k in range(2)],
        "categories": [{"id": 3, "name": "cell"}],
        "annotations": [{"image_id": 4, "category_id": 3, "segmentation": [ring]} for ring in rings],
    }
    (tmp_path / "coco/instances.json").write_text(json.dumps(data))
    found = folders.read(tmp_path / "coco")
    assert found.kind == "objects" and np.array_equal(found[0].target, wanted) and not found[1].target.any()
    data["annotations"][0]["segmentation"] = {"counts": [1, 2], "size": [96, 96]}
    (tmp_path / "coco/instances.json").write_text(json.dumps(data))
    data["annotations"].append({"image_id": 5, "category_id": 3, "segmentation": rings[:1]})
    (tmp_path / "coco/instances.json").write_text(json.dumps(data))
    found = folders.read(tmp_path / "coco")
    assert "no run lengths (RLE), boxes or lines: export polygons or mask images; left out: 000." in found.doubts[0]
    assert [pair.name for pair in found] == ["001"] and np.array_equal(found[0].target, wanted == 1)
    data["annotations"] = [{"image_id": 4 + k, "category_id": 3, "bbox": [1, 2, 3, 4]} for k in range(2)]
    data["images"].append({"id": 9, "file_name": "gone.jpg"})
    (tmp_path / "coco/instances.json").write_text(json.dumps(data))
    (tmp_path / "coco/more.json").write_text("{")
    first, second, third = folders.read(tmp_path / "coco").doubts
    assert "boxes or lines: export polygons or mask images; left out: 000, 001." in first
    assert (
        "instances.json has polygons for images that are not there; left out: gone.jpg." in second
        and "more.json" in third
    )


# ---- What masks mean ---------------------------------------------------------------------------------------------------


def test_classes_are_numbered_and_named_and_shares_are_counted(tmp_path, capsys):
    folder, labels = pairs(tmp_path, lambda one: 7 * classes_of(one))
    found = folders.read(folder)
    assert found.kind == "classes" and found.names == ["background", "7", "14", "21"] and not found.doubts
    assert all(np.array_equal(pair.target, classes_of(one)) for pair, one in zip(found, labels))
    wanted = np.bincount(np.concatenate([classes_of(one).ravel() for one in labels])) / (3 * 96 * 96)
    assert np.allclose(list(found.shares.values()), wanted)
    assert folders.report(found) and "✓ class 2: 14, " in capsys.readouterr().out
    assert np.array_equal(folders.read(folder, kind="mask")[0].target, LABELS > 0)


def test_colours_and_their_table(tmp_path):
    pairs(tmp_path, lambda one: PALETTE[classes_of(one)])
    bare = folders.read(tmp_path)
    assert bare.kind == "classes" and bare.names == ["(0, 0, 0)", "(0, 0, 192)", "(64, 128, 64)", "(128, 64, 128)"]
    rows = ["name,r,g,b", "Road,128,64,128", "Car,0,0,192", "Tree,64,128,64", "Void,0,0,0"]
    (tmp_path / "class_dict.csv").write_text("\n".join(rows))
    found = folders.read(tmp_path)
    assert found.names == ["Road", "Car", "Tree"] and np.array_equal(found[0].weight, LABELS > 0)
    assert np.array_equal(found[0].target, np.maximum(CLASSES - 1, 0)) and "void: Void" in found.said[0]
    (tmp_path / "images.csv").write_text("name,width,height,channels\na,96,96,1\nb,96,96,3")
    (tmp_path / "labels.csv").write_text("id,pixels\na,17 2 19 5 30 1\nb,17 2 90 5 30 1")
    assert folders.read(tmp_path).names == found.names, "other tables are left alone"
    (tmp_path / "class_dict.csv").write_text("\n".join(rows[:3]))
    assert (
        "2 colours of the masks are not in the table of classes: (0, 0, 0), (64, 128, 64)"
        in folders.read(tmp_path).problems[0]
    )


def test_numbers_of_a_palette_stay_numbers_and_255_is_void(tmp_path):
    for k in range(3):
        picture, labels = cells(k)
        put(tmp_path / f"JPEGImages/{k}.jpg", picture)
        edge = (labels > 0) & ~ndimage.binary_erosion(labels > 0)
        mask = Image.fromarray(np.where(edge, 255, 5 * classes_of(labels)).astype(np.uint8))
        mask.putpalette(np.random.default_rng(0).integers(1, 255, 768).astype(np.uint8).tobytes())
        (tmp_path / "SegmentationClass").mkdir(exist_ok=True)
        mask.save(tmp_path / f"SegmentationClass/{k}.png")
    found = folders.read(tmp_path)
    assert found.names == ["background", "5", "10", "15"] and found.said[0].startswith("void: 255, ")
    assert np.array_equal(found[0].target, CLASSES * ~EDGE) and np.array_equal(found[0].weight, ~EDGE)


def test_palettes_that_disagree_are_compared_by_their_colours(tmp_path):
    _, labels = pairs(tmp_path, two)
    mask = Image.fromarray((LABELS == 0).astype(np.uint8))
    mask.putpalette([255, 255, 255, 0, 0, 0])
    mask.save(tmp_path / "masks/0.png")
    found = folders.read(tmp_path)
    assert found.kind == "mask" and all(np.array_equal(pair.target, one > 0) for pair, one in zip(found, labels))


def test_void_at_an_edge_is_one_object_and_two_ways_to_write_a_mask_are_no_void(tmp_path):
    put(tmp_path / "ring/images/a.png", GREY), put(tmp_path / "ring/masks/a.png", np.where(EDGE, 255, LABELS > 0))
    found = folders.read(tmp_path / "ring")
    assert (
        found.kind == "mask" and np.array_equal(found[0].weight == 0, EDGE) and found.names == ["background", "object"]
    )
    assert np.isclose(found.shares["object"], (LABELS > 0)[~EDGE].mean()), "void counts as nothing"
    pairs(tmp_path / "ways", lambda one: (one > 0) * (1 if one[0, 0] == 0 and one.sum() % 2 else 255), 6)
    found = folders.read(tmp_path / "ways")
    assert found.kind == "mask" and all(set(np.unique(pair.target)) == {0, 1} and pair.weight is None for pair in found)
    assert "(1, 255); all are taken as one" in found.doubts[0]
    pairs(tmp_path / "signed", classes_of)
    put(tmp_path / "signed/masks/0.tif", np.where(EDGE, -1, CLASSES).astype(np.int16))
    (tmp_path / "signed/masks/0.png").unlink()
    assert np.array_equal(folders.read(tmp_path / "signed")[0].weight, ~EDGE)


def test_a_trimap_is_recognised_and_three_classes_are_not_one(tmp_path):
    def border(labels):
        there = labels > 0
        return ndimage.binary_dilation(there, iterations=2) & ~ndimage.binary_erosion(there, iterations=2)

    pairs(tmp_path / "trimap", lambda one: np.where(border(one), 3, np.where(one > 0, 1, 2)))
    found = folders.read(tmp_path / "trimap")
    assert found.kind == "mask" and "a trimap: 1 becomes object, 2 background, 3" in found.said[0]
    assert np.array_equal(found[0].target, (LABELS > 0) & ~border(LABELS))
    assert np.array_equal(found[0].weight, ~border(LABELS))
    pairs(tmp_path / "grey", lambda one: np.where(border(one), 128, two(one)))
    found = folders.read(tmp_path / "grey")
    assert "a trimap: 255 becomes object, 0 background, 128" in found.said[0] and np.array_equal(
        found[0].weight, ~border(LABELS)
    )
    for name, convert in (
        ("123", lambda one: 1 + classes_of(one) % 3),
        ("grey classes", lambda one: (one > 0) * (128 - one % 2)),
    ):
        pairs(tmp_path / name, convert)
        assert folders.read(tmp_path / name).kind == "classes" and not folders.read(tmp_path / name).said


@pytest.mark.parametrize("factor", [70_001, 7_000_000_001])
def test_objects_of_any_number_and_of_any_colour(tmp_path, factor):
    pairs(tmp_path / "numbers", lambda one: one * np.int64(factor), 3, "images/{}.png", "masks/{}.tif")
    pairs(
        tmp_path / "colours",
        lambda one: np.stack([one * 37 % 256, one * 91 % 256, one * 13 % 256], -1),
        count=25,
        radius=(3, 5),
    )
    for name, many in (("numbers", 24), ("colours", 75)):
        found = folders.read(tmp_path / name)
        assert found.kind == "objects" and len(found.object_sizes) == many == sum(pair.target.max() for pair in found)


def test_numbers_and_colours_mixed_and_objects_that_differ_by_colour_alone(tmp_path):
    pairs(tmp_path / "mixed", classes_of)
    put(tmp_path / "mixed/masks/1.png", PALETTE[classes_of(cells(1)[1])])
    assert "some masks hold numbers, others colours" in folders.read(tmp_path / "mixed").doubts[0]
    pairs(tmp_path / "colour", two)
    for k in range(3):
        there = cells(k)[1][..., None] > 0
        put(
            tmp_path / f"colour/images/{k}.png",
            np.where(there, [70, 70, 220], [61, 239, 60]) + np.arange(96)[:, None] % 5,
        )
    assert "differ from the background by colour, not by brightness" in folders.read(tmp_path / "colour").said[0]
    assert not folders.read(pairs(tmp_path / "grey", two)[0]).said


@pytest.mark.parametrize("count", [8, (9, 10, 11)])
def test_label_maps_are_objects(tmp_path, count):
    drawn = [cells(k, count if isinstance(count, int) else count[k], radius=(4, 6)) for k in range(3)]
    for k, (picture, labels) in enumerate(drawn):
        put(tmp_path / f"images/{k}.tif", picture.astype(np.uint16) * 16), put(tmp_path / f"masks/{k}.tif", 3 * labels)
    found = folders.read(tmp_path)
    assert (
        found.kind == "objects" and not found.doubts and len(found.object_sizes) == sum(one.max() for _, one in drawn)
    )
    assert all(np.array_equal(pair.target, one) for pair, (_, one) in zip(found, drawn))
    assert np.isclose(found[0].image.max() * 4095, 16.0 * drawn[0][0].max()), "12 bits in 16"


def test_where_both_readings_fit_the_likelier_is_taken_and_the_other_offered(tmp_path):
    pairs(tmp_path / "classes", lambda one: one, 4, count=2)
    pairs(tmp_path / "objects", lambda one: one * (one <= 2 + one.sum() % 2), 4, count=4)
    for name, other in (("classes", "objects"), ("objects", "classes")):
        found = folders.read(tmp_path / name)
        assert found.kind == name and f"kind={other!r}" in found.doubts[0]
        assert folders.read(tmp_path / name, kind=other).kind == other
        assert not any("kind=" in doubt for doubt in folders.read(tmp_path / name, kind=other).doubts)
    parts = np.array(
        [[300, 60, 90, 20, 20, 150, 40, 40, 12]]
    )  # of a face, say: one piece each, everywhere of a like size
    for k in range(3):
        picture, mask = cells(k)[0], np.zeros(9216, int)
        for number, size in enumerate((parts[0] * (1 + 0.1 * k)).astype(int)):
            mask[number * 960 + 100 : number * 960 + 100 + size] = number + 1
        put(tmp_path / f"face/images/{k}.png", picture), put(tmp_path / f"face/masks/{k}.png", mask.reshape(96, 96))
    assert (
        folders.read(tmp_path / "face").kind == "classes" and "come again" in folders.read(tmp_path / "face").doubts[0]
    )
    breeds = iter([5, 7, 9, 5, 7])
    pairs(tmp_path / "breeds", lambda one: (one > 0) * next(breeds), 5, count=1)
    found = folders.read(tmp_path / "breeds")
    assert found.kind == "classes" and found.names == ["background", "5", "7", "9"]


def test_objects_need_a_background(tmp_path):
    pairs(tmp_path, lambda one: one + 1)
    assert (
        "no background (0 or black); their smallest number is 1" in folders.read(tmp_path, kind="objects").problems[0]
    )
    assert folders.read(tmp_path, kind="classes").problems == []


def test_two_values_without_a_zero_the_one_at_the_borders_is_background(tmp_path):
    pairs(tmp_path, lambda one: 1 + (one == 0), count=1, radius=(20, 25))
    found = folders.read(tmp_path)
    assert (
        found[0].target.sum() == (cells(0, 1, radius=(20, 25))[1] > 0).sum()
        and "2, the value at the borders" in found.doubts[0]
    )


def street(side=512, step=4):
    """A map of many classes with small signs on poles, made smaller by nearest neighbours."""
    rng, scene = np.random.default_rng(0), np.zeros((side, side), int)
    for most, count in ((side // 3, 60), (14, 80)):
        for _ in range(count):
            (row, column), (height, width) = rng.integers(0, side, 2), rng.integers(1, most, 2)
            scene[row : row + height, column : column + width] = rng.integers(0, 19)
    return scene[::step, ::step]


LEGAL = {
    "a street": street(384),
    "centres of two classes": np.where(np.arange(9216).reshape(96, 96) % 301 == 7, 1 + np.arange(96) % 2, 0),
    "salt and pepper": np.where(np.random.default_rng(0).random((96, 96)) < 0.02, 5, CLASSES),
    "ragged edges": np.where(EDGE & (np.random.default_rng(1).random((96, 96)) < 0.3), 0, CLASSES),
    "a diagonal line": np.eye(96, dtype=int) * 255,
    "single pixels": (np.random.default_rng(0).random((96, 96)) < 0.03) * 255,
    "a class of edges": np.where(EDGE, 1, 2 * (LABELS > 0)),
    "speckles": np.random.default_rng(0).integers(0, 5, (96, 96)),
    "objects of one pixel": np.where(
        np.random.default_rng(0).random((96, 96)) < 0.02, np.arange(9216).reshape(96, 96) % 250, 0
    ),
    "thin poles": np.where(np.arange(96) % 9 == 0, 5, np.where(np.arange(96)[:, None] < 50, 10, 2)),
}


@pytest.mark.parametrize("case", LEGAL)
def test_thin_and_small_things_are_no_damage(tmp_path, case):
    put(tmp_path / "images/a.png", GREY), put(tmp_path / "masks/a.png", LEGAL[case])
    assert folders.read(tmp_path).problems == []


def resized(array, side, method):
    return np.asarray(Image.fromarray(np.asarray(array, np.uint8)).resize((side, side), method))


def through_jpeg(array, quality):
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(array, np.uint8)).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


STRAIGHT = np.zeros((96, 96), int)
STRAIGHT[21:60, 13:70] = 255
DAMAGED = {
    "straight edges": resized(STRAIGHT, 144, Image.BICUBIC),
    "bilinear": resized(two(LABELS), 150, Image.BILINEAR),
    "Lanczos": resized(two(LABELS), 130, Image.LANCZOS),
    "smaller": resized(two(LABELS), 60, Image.BICUBIC),
    "classes": resized(CLASSES, 150, Image.BILINEAR),
    "label map": resized(LABELS, 150, Image.BICUBIC),
    "colours": resized(PALETTE[CLASSES], 150, Image.BILINEAR),
    "JPEG 75": through_jpeg(two(LABELS), 75),
    "JPEG 95": through_jpeg(two(LABELS), 95),
    "JPEG 100": through_jpeg(two(LABELS), 100),
    "JPEG of classes": through_jpeg(60 * CLASSES, 90),
    "JPEG 100 of classes": through_jpeg(np.kron(CLASSES, np.ones((3, 3))), 100),
    "JPEG 100 of classes, 10 apart": through_jpeg(np.kron(10 * CLASSES, np.ones((3, 3))), 100),
    "JPEG 100 of colours": through_jpeg(np.kron(PALETTE[CLASSES], np.ones((3, 3, 1))), 100),
    "JPEG 75 of objects": through_jpeg(np.kron(LABELS, np.ones((4, 4))), 75),
    "JPEG 95 of a street": through_jpeg(street(step=1), 95),
    "Lanczos of classes": resized(10 * CLASSES, 144, Image.LANCZOS),
    "soft": ndimage.gaussian_filter(two(LABELS).astype(float), 3),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_interpolated_masks_and_masks_that_were_jpegs_are_refused(tmp_path, case):
    mask = DAMAGED[case]
    (
        put(tmp_path / "images/a.png", np.zeros(mask.shape[:2]) + np.arange(mask.shape[1])),
        put(tmp_path / "masks/a.png", mask),
    )
    [problem] = folders.read(tmp_path).problems
    assert problem.startswith("masks/a.png: was interpolated, or saved as JPEG") and "nearest neighbours" in problem


# ---- What is wrong or doubtful -------------------------------------------------------------------------------------------


def doubts(folder, **options):
    found = folders.read(folder, **options)
    assert not found.problems
    return found.doubts


def test_masks_that_are_inverted_full_or_empty(tmp_path):
    pairs(tmp_path / "one", two, 5)
    put(tmp_path / "one/masks/3.png", 255 - two(cells(3)[1]))
    assert doubts(tmp_path / "one") == ["3: the mask is inverted, compared with the others."]
    pairs(tmp_path / "all", lambda one: 255 - two(one))
    assert "the borders. Are they and background swapped?" in doubts(tmp_path / "all")[0]
    pairs(tmp_path / "empty", two, 4)
    put(tmp_path / "empty/masks/2.png", 0 * LABELS)
    assert doubts(tmp_path / "empty") == ["2: the mask is empty; that is right if there is no object to be seen."]
    put(tmp_path / "empty/masks/1.png", 0 * LABELS + 255)
    assert "1: the mask is full" in doubts(tmp_path / "empty")[0]
    for value, words in ((0, "all masks are empty"), (255, "all masks are full")):
        pairs(tmp_path / f"{value}", lambda one, value=value: 0 * one + value)
        assert words in folders.read(tmp_path / f"{value}").problems[0]


def test_one_pair_small_shares_sizes_and_images_of_one_value(tmp_path):
    put(tmp_path / "one/images/a.png", GREY), put(tmp_path / "one/masks/a.png", two(LABELS))
    [doubt] = doubts(tmp_path / "one")
    assert doubt.startswith("one pair only") and "split(by_region=True)" in doubt
    with pytest.raises(ValueError, match="one pair only.*by_region=True"):
        folders.read(tmp_path / "one").split()
    left, right = folders.read(tmp_path / "one").split(by_region=True)
    assert np.array_equal(np.hstack([left[0].target, right[0].target]), LABELS > 0) and left.sizes == [(96, 48)]
    pairs(tmp_path / "rare", lambda one: two(one == 1) * (np.arange(96) % 20 == 0))
    assert "rare: object 0.14 % of the pixels" in doubts(tmp_path / "rare")[0]
    pairs(tmp_path / "sizes", two)
    (
        put(tmp_path / "sizes/images/0.png", np.tile(GREY, (3, 3))),
        put(tmp_path / "sizes/masks/0.png", two(np.tile(LABELS, (3, 3)))),
    )
    assert doubts(tmp_path / "sizes")[0].startswith("images of 96 x 96 to 288 x 288.")
    put(tmp_path / "one/images/b.png", 0 * GREY + 9), put(tmp_path / "one/masks/b.png", 0 * LABELS)
    assert doubts(tmp_path / "one")[0].startswith("b: all pixels of the image have one value; its mask is empty")
    put(tmp_path / "one/masks/b.png", two(LABELS))
    assert (
        "b: all pixels of the image have one value; nothing can be seen" in folders.read(tmp_path / "one").problems[0]
    )


def test_objects_in_pieces_and_the_number_types_of_images(tmp_path):
    pairs(tmp_path / "pieces", lambda one: np.where(one == 2, 1, one), 3, count=12, side=160)
    assert "0 (1), 1 (1), 2 (1): 3 objects are in several pieces." in doubts(tmp_path / "pieces")[0]
    for k in range(2):
        put(tmp_path / f"floats/images/{k}.tif", GREY.astype(np.float32) * 3 - 7 + k)
        put(tmp_path / f"floats/masks/{k}.tif", (LABELS > 0).astype(np.float64))
        put(tmp_path / f"unit/images/{k}.tif", GREY / 510), put(tmp_path / f"unit/masks/{k}.tif", LABELS > 0)
    first, second = folders.read(tmp_path / "floats")
    assert (
        first.image.min() == 0
        and second.image.max() == 1
        and np.isclose(second.image.min(), 1 / (3.0 * np.ptp(GREY) + 1), 1e-3)
    )
    assert np.allclose(folders.read(tmp_path / "unit")[0].image[..., 0], GREY / 510)
    assert np.array_equal(folders.read(tmp_path / "unit")[0].target, LABELS > 0)


def test_colour_stays_colour_and_one_data_set_has_one_number_of_channels(tmp_path):
    pairs(tmp_path, two)
    assert folders.read(tmp_path).channels == 1
    put(tmp_path / "images/1.png", TINTED)
    found = folders.read(tmp_path)
    assert found.channels == 3 and found[0].image.shape == (96, 96, 3)
    assert np.array_equal(np.rint(found[1].image * 255), TINTED)


def test_orientation_tags(tmp_path):
    picture, labels = GREY[:80], LABELS[:80]
    (tmp_path / "images").mkdir()
    for k in range(3):
        turned = Image.fromarray(np.rot90(picture))
        tag = turned.getexif()
        tag[274] = 6
        turned.save(tmp_path / f"images/{k}.png", exif=tag)
        put(tmp_path / f"masks/{k}.png", two(np.rot90(labels) if k == 1 else labels))
    found = folders.read(tmp_path)
    assert found.doubts[1:] == ["0, 2: some are the same image; a split may put one on both sides."]
    assert found.doubts[0].startswith("1: the image's orientation tag is ignored: its mask fits")
    assert np.array_equal(found[0].image[..., 0] * 255, picture) and found.sizes == [(80, 96), (96, 80), (80, 96)]
    assert np.array_equal(found[1].target, np.rot90(labels) > 0)
    assert np.array_equal(np.rint(found[1].image[..., 0] * 255), np.rot90(picture))


def link(folder):
    (folder / "images/0.png").unlink(), (folder / "images/0.png").symlink_to("/etc/hostname")


PROBLEMS = {
    "no masks": (lambda f: shutil.rmtree(f / "masks"), "holds 3 images, but no masks"),
    "no images": (lambda f: shutil.rmtree(f / "images"), "holds 3 masks, but no images"),
    "nothing": (lambda f: [p.unlink() for p in f.rglob("*.png")], "holds no images that can be read"),
    "two of one name": (lambda f: put(f / "images/1.tif", GREY), "images/ holds two files called 1; keep one"),
    "a JPEG mask": (lambda f: put(f / "masks/1.png", two(LABELS), format="JPEG"), "masks/1.png: is a JPEG, which changes"),
    "0 bytes": (lambda f: (f / "images/1.png").write_bytes(b""), r"images/1.png: is empty \(0 bytes\)"),
    "a web page": (lambda f: (f / "images/1.png").write_text("<html>"), "images/1.png: is a web page"),
    "sizes": (lambda f: put(f / "masks/1.png", two(LABELS[:80])), "1: the image is 96 x 96, its mask 80 x 96; .*nearest"),
    "on its side": (lambda f: (put(f / "images/1.png", GREY[:80]), put(f / "masks/1.png", two(LABELS[:80].T))),
                    "The mask lies on its side"),
    "exchanged": (lambda f: (f / "images").rename(f / "x") and (f / "masks").rename(f / "images")
                  and (f / "x").rename(f / "masks"), "0.png, masks/1.png, masks/2.png: is an image, not a mask.*exchanged"),
    "a link": (link, "links are not followed .*: images/0.png"),
    "fractions": (lambda f: ((f / "masks/1.png").unlink(), put(f / "masks/1.tif", LABELS / 2.0)), "masks/1.tif: holds fractions"),  # noqa: E501
    "NaN": (lambda f: ((f / "images/1.png").unlink(), put(f / "images/1.tif", GREY * np.float32(np.nan))), "1.tif: holds 9216 .* NaN"),  # noqa: E501
}  # fmt: skip


@pytest.mark.parametrize("case", PROBLEMS)
def test_a_broken_folder_is_named_with_the_file_and_what_to_do(tmp_path, capsys, case):
    damage, words = PROBLEMS[case]
    pairs(tmp_path, two)
    folders.load(tmp_path), folders.load_labels(tmp_path)
    damage(tmp_path)
    for use in (
        lambda: folders.read(tmp_path)[0],
        lambda: folders.load(tmp_path),
        lambda: folders.load_labels(tmp_path),
    ):
        with pytest.raises((ValueError), match=rf"(?s)cannot be used yet:\n.*{words}"):
            use()
    assert not folders.report(tmp_path) and "✗ " in capsys.readouterr().out


def test_a_folder_that_is_not_there(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ValueError, match="there is no such folder .looked up from"):
        folders.read("my_cells")
    (tmp_path / "a").write_text("x")
    assert not folders.report("~/a") and "is a file; give the folder" in capsys.readouterr().out
    pairs(tmp_path / "mine", two)
    assert len(folders.read("~/mine")) == 3
    with pytest.raises(ValueError, match="kind is 'instances'; choose one of"):
        folders.read("~/mine", kind="instances")


def test_a_split_keeps_groups_together_and_repeats(tmp_path):
    pairs(tmp_path, two, 10, "images/p{}.png", "masks/p{}.png")
    found = folders.read(tmp_path)
    for groups in (lambda name: int(name[1]) // 3, [k // 3 for k in range(10)], {f"p{k}": k // 3 for k in range(10)}):
        parts = [{pair.name for pair in part} for part in found.split(groups=groups, seed=1)]
        assert len(parts[0] | parts[1]) == 10 and all(parts)
        assert not {int(n[1]) // 3 for n in parts[0]} & {int(n[1]) // 3 for n in parts[1]}
    names = [[pair.name for pair in found.split(seed=s)[1]] for s in (0, 0, 1, 2)]
    assert len(names[0]) == 2 and names[0] == names[1] and len({tuple(n) for n in names}) > 1
    with pytest.raises(ValueError, match="one group"):
        found.split(groups=lambda name: 0)


def test_the_report_says_what_was_found_and_shows_six_pairs(tmp_path, capsys, monkeypatch):
    shown = []
    monkeypatch.setattr(plots, "pairs", lambda *given: shown.append(given))
    pairs(tmp_path, two, 8)
    found = folders.read(tmp_path)
    assert folders.report(found, show=True)
    share = np.mean([cells(k)[1] > 0 for k in range(8)])
    assert capsys.readouterr().out.splitlines() == [
        "✓ 8 pairs, 96 x 96 pixels, grey; kind: mask (masks of two values)",
        f"✓ shares of pixels: background {1 - share:.0%}, object {share:.0%}".replace("%", " %"),
    ]
    [(drawn, kind, names)] = shown
    assert [pair.name for pair in drawn] == ["0", "1", "3", "4", "6", "7"] and kind == "mask" and names[1] == "object"
    assert np.array_equal(drawn[1].target, found[1].target)


def test_the_table_of_cases_has_a_row_for_each_folder(tmp_path, capsys):
    pairs(tmp_path / "a", two), pairs(tmp_path / "b", lambda one: one)
    shutil.rmtree(pairs(tmp_path / "c", two)[0] / "masks")
    cases.main(tmp_path)
    first, second, third = capsys.readouterr().out.splitlines()[2:]
    assert (
        first.startswith("| `a` | mask | 3 | 1 | background ") and second == "| `b` | objects | 3 | 1 | 24 objects |  |"
    )
    assert "| ✗ the folder holds 3 images, but no masks" in third


# ---- As arrays ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_masks_and_images_of_any_mode_are_read_by_their_colours(folder, mode):
    grey = np.where(SAMPLES.masks[0, ..., 0], 255, 0 if mode == "1" else 100).astype(np.uint8)
    for k, mask in enumerate(SAMPLES.masks[:3, ..., 0]):
        Image.fromarray(mask * np.uint8(255)).convert(mode).save(folder / "masks" / f"0000{k}.png")
    Image.fromarray(grey).convert(mode).save(folder / "images" / "00000.png")
    Image.open(folder / "images" / "00001.png").convert(mode).save(folder / "images" / "00001.png")
    images, masks = folders.load(folder)
    assert np.array_equal(images[1], SAMPLES.images[1]) == (mode in ("RGB", "RGBA"))
    assert np.array_equal(masks, SAMPLES.masks[:3]) and images.shape == (3, 32, 32, 3)
    assert np.array_equal(np.rint(255 * images[0]), np.repeat(grey[..., None], 3, axis=-1))


def test_classes_are_no_arrays_of_two_values(tmp_path):
    pairs(tmp_path, classes_of)
    with pytest.raises(ValueError, match="the masks hold classes, not two values; folders.read"):
        folders.load(tmp_path)


@pytest.mark.parametrize("value", [1, 255])
def test_objects_of_a_mask_of_two_values_are_its_parts(tmp_path, value):
    mask = np.zeros((96, 96), int)
    mask[10:20, 10:20] = mask[20:25, 20:25] = value  # they meet at a corner
    put(tmp_path / "images/a.png", TINTED), put(tmp_path / "masks/a.png", mask)
    [pair] = folders.load_labels(tmp_path)
    assert np.array_equal(pair.labels, measure.label(mask, connectivity=1)) and pair.labels.max() == 2
    assert np.allclose(pair.image, TINTED.mean(axis=-1) / 255, atol=1e-6) and pair.image.shape == (96, 96)


def test_pictures_of_another_size_are_named(folder):
    put(folder / "images/b.png", GREY), put(folder / "masks/b.png", 255 * (LABELS > 0))
    with pytest.raises(ValueError, match="several sizes, 32 x 32, 96 x 96; give all"):
        folders.load(folder)


def test_the_picture_is_what_its_card_and_its_attribution_say():
    image, labels = folders.nuclei()
    card, text = folders.nuclei_card(), (nuclei.NUCLEI / "ATTRIBUTION.md").read_text(encoding="utf-8")
    assert image.shape == labels.shape == tuple(card["size"]) == (512, 512)
    assert image.dtype == np.float32 and labels.dtype == np.int32 and 0 <= image.min() < image.max() <= 1
    assert "125 nuclei" in text and f"{(labels > 0).mean():.1%}".replace("%", " %") in text
    raw = np.asarray(Image.open(nuclei.NUCLEI / "labels.png"))
    assert len(np.unique(raw)) == card["nuclei"] + 1 == 126 and "licence" in card
    assert all(np.array_equal(labels == number, raw == old) for number, old in enumerate(np.unique(raw)))
    parts = [folders.quadrant(labels, name) for name in folders.QUADRANTS]
    assert np.array_equal(np.block([parts[:2], parts[2:]]), labels)
    assert folders.quadrant(np.zeros((4, 6, 3)), "lower left").shape == (2, 3, 3)


@pytest.mark.parametrize("name", ["image.png", "labels.png"])
def test_a_changed_or_missing_file_is_named(tmp_path, monkeypatch, name):
    copy = shutil.copytree(nuclei.NUCLEI, tmp_path / "nuclei")
    monkeypatch.setattr(nuclei, "NUCLEI", copy)
    (copy / name).write_bytes((copy / name).read_bytes() + b" ")
    with pytest.raises(ValueError, match=f"{name} is damaged or another file"):
        folders.nuclei()
    (copy / name).unlink()
    with pytest.raises(FileNotFoundError, match=name):
        folders.nuclei()
